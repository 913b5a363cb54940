/**
 * The process that is stopped hard while it compacts. Arguments: `<file> <point>`: stops itself before or after the
 * statement that is this point; 0 never stops.
 */
import { compact } from "@patchmoi/core/compaction/Compaction"
import * as Effect from "effect/Effect"
import { make } from "../../src/SqliteStore.ts"
import { stopAt } from "./stopAt.ts"

const [filename = "", target = "0"] = process.argv.slice(2)
const { point, points } = stopAt(Number(target))

await Effect.runPromise(
  Effect.scoped(
    Effect.flatMap(make({ filename, point }), (driver) => compact(driver, { before: 4_102_444_800_000 }))
  )
)
console.log(`points ${points()}`)
