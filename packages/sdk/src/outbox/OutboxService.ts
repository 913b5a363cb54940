/** What is asked of the outbox. Apart from the outbox itself, which not every program that has a record loads. */
import type { CallerOptions } from "@patchmoi/core/engine/Engine"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { BackendFailure } from "../client/http/HttpErrors.ts"

/** The outbox of the record that is open; there is none where nothing is handed over. `Outbox.ts` has its layer. */
export class Outbox extends Context.Tag("@patchmoi/sdk/Outbox")<
  Outbox,
  {
    /**
     * Tries now what an attempt waits for: the dispatch of its event, after those before it, and a look at its runs. Gives
     * the attempt as it is then; undefined when there is none. A dispatch that fails is told by its record.
     */
    readonly sync: (
      attemptId: string,
      caller?: CallerOptions
    ) => Effect.Effect<MaintenanceDocument | undefined, BackendFailure | StoreError | VersionConflict>
  }
>() {}
