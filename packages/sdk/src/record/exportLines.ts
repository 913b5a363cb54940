/** The lines of an export as they are read: one chunk in memory, and the line in which it ends. */
import { StoreError } from "@patchmoi/core/store/Log"
import { TransferRefused } from "@patchmoi/core/store/Transfer"
import { transferLineLengthMax } from "@patchmoi/core/store/TransferFormat"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** Gives the next bytes, at most so many; none at the end. Throws what the system says. */
export type ReadBytes = (bytesMax: number) => Uint8Array

/** The lines, without newlines. What is behind the last newline is a line, too: an export that was cut shows as such. */
export const exportLines = (read: ReadBytes): Stream.Stream<string, StoreError | TransferRefused> =>
  Stream.suspend(() => {
    const decoder = new TextDecoder()
    let rest = ""
    let count = 0
    let ended = false
    const next: NextLines = Effect.gen(function* () {
      if (ended) return yield* Effect.fail(Option.none())
      const bytes = yield* Effect.mapError(
        reading(() => read(chunkBytes)),
        Option.some
      )
      ended = bytes.length === 0
      const parts = `${rest}${decoder.decode(bytes, { stream: !ended })}`.split("\n")
      rest = parts.pop() ?? ""
      count += parts.length
      if (rest.length > transferLineLengthMax) {
        const reason = `it is longer than ${transferLineLengthMax} characters`
        return yield* Effect.fail(Option.some(new TransferRefused({ line: count + 1, reason })))
      }
      return Chunk.unsafeFromArray(ended && rest !== "" ? [...parts, rest] : parts)
    })
    return Stream.repeatEffectChunkOption(next)
  })

// --- internal ---

type NextLines = Effect.Effect<Chunk.Chunk<string>, Option.Option<StoreError | TransferRefused>>

/** Bytes that are read at a time. */
const chunkBytes = 1_048_576

const reading = (read: () => Uint8Array): Effect.Effect<Uint8Array, StoreError> =>
  Effect.try({
    try: read,
    catch: (error) =>
      new StoreError({
        operation: "read the export",
        reason: error instanceof Error ? error.message : String(error)
      })
  })
