/** Tells whoever waits for the log to go on, also when it is another process that writes. */
import type { Driver } from "@patchmoi/core/store/Driver"
import { Head } from "@patchmoi/core/store/Head"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Reads } from "./Reads.ts"
import { inRealTime, storing } from "./waiting.ts"

/** How often this process looks whether another one has written. */
export const followTime = "100 millis"

export interface HeadFollower {
  readonly awaitBeyond: Driver["awaitBeyond"]
  /** Call it after each commit of this process. It never throws: what cannot be read now is looked at again soon. */
  readonly announce: () => void
}

/** Follows the head until the scope closes. */
export const followHead = (reads: Reads): Effect.Effect<HeadFollower, never, Scope.Scope> =>
  Effect.gen(function* () {
    let position = 0
    let dataVersion: number | undefined
    const head = new Head(() => position)
    const announce = (): void => {
      position = reads.head()
      head.announce()
    }
    const look = storing("look for new facts", () => {
      const found = reads.dataVersion()
      if (found === dataVersion) return
      dataVersion = found
      announce()
    })
    // A look that fails is tried again at the next turn; whoever waits is told by their own reads.
    yield* Effect.either(look).pipe(Effect.repeat(Schedule.spaced(followTime)), inRealTime, Effect.forkScoped)
    return {
      announce: () => {
        try {
          announce()
        } catch {
          // The commit is written, whatever the read says; `look` finds it once the database can be read again.
          dataVersion = undefined
        }
      },
      // Without a look of its own: each commit here announces itself, and the others are found by the next look.
      awaitBeyond: (beyond) => head.awaitBeyond(beyond)
    }
  })
