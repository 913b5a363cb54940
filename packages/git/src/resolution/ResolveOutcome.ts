/** What a step of resolving came to, as a tagged value that encodes to JSON. */
import * as Schema from "effect/Schema"
import type { ObjectId } from "../GitName.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { Rebuilt } from "../patch/RebuildResult.ts"
import type { Answer } from "./ResolveAnswers.ts"

/** What a step came to. */
export type ResolveOutcome =
  /** A conflict waits in a work tree. */
  | {
      readonly _tag: "Opened"
      readonly conflict: Conflict
      readonly directory: string
      readonly made: ReadonlyArray<string>
    }
  /** Every patch was carried over. `moved` is empty when only a part of the stack was asked for. */
  | {
      readonly _tag: "Finished"
      readonly result: Rebuilt
      readonly moved: ReadonlyArray<{ readonly ref: string; readonly next: ObjectId }>
      readonly made: ReadonlyArray<string>
    }
  /** There was no conflict at the start. Nothing was moved. */
  | { readonly _tag: "NothingToResolve"; readonly result: Rebuilt }
  /** A dry run: the conflict that would be opened, and where. */
  | { readonly _tag: "WouldOpen"; readonly conflict: Conflict; readonly directory: string }
  /** A dry run: what would be stored. */
  | {
      readonly _tag: "WouldStore"
      readonly patch: string
      readonly answers: ReadonlyArray<Omit<Answer, "content">>
    }

/** The rebuild stopped at the conflict that was just resolved. The resolutions are stored. */
export class ResolutionNotTaken extends Schema.TaggedError<ResolutionNotTaken>("git/ResolutionNotTaken")(
  "ResolutionNotTaken",
  { patch: Schema.String, paths: Schema.Array(Schema.String) }
) {
  override get message(): string {
    return `The rebuild does not take the resolution of ${this.patch} (${this.paths.join(", ")}): a file and a folder of one name, or a mode that none of the versions has; resolve it in another way, or abort`
  }
}
