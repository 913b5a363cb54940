/** Writes a fact as a newer version of patchmoi would: into the log, by the driver, under a type that nobody here knows. */
import { aggregates } from "@patchmoi/core/Aggregates"
import { FileStore } from "@patchmoi/store-file"
import * as Effect from "effect/Effect"

/** Appends one fact to a stream that exists. */
export const appendUnknownFact = (
  directory: string,
  stream: string,
  type: string,
  data: Readonly<Record<string, unknown>>
): Promise<unknown> =>
  Effect.gen(function* () {
    const driver = yield* FileStore.make({ directory, aggregates })
    const { length: version } = yield* driver.readStream(stream, 0, 100)
    return yield* driver.commit({
      expected: [{ stream, version }],
      facts: [{ stream, version: version + 1, at: 0, type, data: JSON.stringify(data) }],
      documents: []
    })
  }).pipe(Effect.scoped, Effect.runPromise)
