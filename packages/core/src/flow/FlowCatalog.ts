/** The port through which the engine sees flows. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { CatalogSnapshot, Flow } from "./Flow.ts"

/** Finds the flows. Never fails: what cannot be read is listed as broken, with the reason. */
export class FlowCatalog extends Context.Tag("@patchmoi/core/FlowCatalog")<
  FlowCatalog,
  {
    /** The flows as they are now, in the order in which their steps match: root order, then folder, then step. */
    readonly snapshot: Effect.Effect<CatalogSnapshot>
  }
>() {}

/** A catalog of the given flows, for tests and for products that build their flows in code. */
export const layerMemory = (flows: ReadonlyArray<Flow>): Layer.Layer<FlowCatalog> =>
  Layer.succeed(FlowCatalog, { snapshot: Effect.succeed({ flows, broken: [] }) })
