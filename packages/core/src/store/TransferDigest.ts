/** One hash over every document of a store: two stores with the same hash show the same views. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { hashOf, hexHashOf } from "../internal/digest.ts"
import { type AnyAggregate, streamOf } from "./Aggregate.ts"
import type { Driver, ListedDocument } from "./Driver.ts"
import type { StoreError } from "./Log.ts"
import { parseDocument } from "./parseDocument.ts"

/** Documents that are read at a time. */
const pageDocuments = 500

/**
 * The digest of all documents: for each view and each of its indexes, every document that is listed, with its key,
 * version, value and sort key. Neither the order of a store's lists nor the order of the fields in its JSON matters.
 * Takes time in proportion to the documents, and the memory of one page.
 */
export const documentsDigest = (
  driver: Driver,
  aggregates: ReadonlyArray<AnyAggregate>
): Effect.Effect<string, StoreError> =>
  Effect.gen(function* () {
    const sum = new Uint32Array(8)
    let count = 0
    for (const { name: view, indexes } of aggregates) {
      for (const index of Object.keys(indexes)) {
        yield* Stream.runForEachChunk(listedDocuments(driver, view, index), (page) =>
          Effect.gen(function* () {
            for (const { key, version, value, sort } of page) {
              // A value is hashed once; the other indexes only tell where its key stands.
              const content =
                index === "all" ? canonical(yield* parseDocument(streamOf({ name: view }, key), value)) : ""
              add(sum, hashOf(JSON.stringify([view, index, sort, key, version, content])))
              count += 1
            }
          })
        )
      }
    }
    return hexHashOf(`${count}:${sum.join(",")}`)
  }).pipe(Effect.withSpan("Transfer.documentsDigest"))

/** Every document that an index lists, a page in memory at a time. */
const listedDocuments = (
  driver: Driver,
  view: string,
  index: string
): Stream.Stream<ListedDocument, StoreError> =>
  Stream.paginateChunkEffect("", (after) =>
    Effect.map(
      driver.list({
        view,
        index,
        prefix: "",
        order: "ascending",
        limit: pageDocuments,
        ...(after === "" ? {} : { after })
      }),
      (page) => {
        const last = page.length < pageDocuments ? undefined : page.at(-1)
        return [Chunk.unsafeFromArray(page), Option.map(Option.fromNullable(last), ({ sort }) => sort)]
      }
    )
  )

// --- internal ---

/** Adds a hash to the sum, word by word: a sum does not depend on the order of what is added. */
const add = (sum: Uint32Array, hash: Uint8Array): void => {
  const words = new DataView(hash.buffer, hash.byteOffset, hash.byteLength)
  for (let word = 0; word < sum.length; word++) sum[word] = (sum[word] ?? 0) + words.getUint32(word * 4)
}

/** JSON with the fields of every object in the order of their names. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner
  )
