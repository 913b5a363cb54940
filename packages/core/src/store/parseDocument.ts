/** Documents from the JSON as which a driver keeps them. */
import * as Either from "effect/Either"
import { StoreError } from "./Log.ts"

/** The document of a stream. Left where it is no JSON: the disk gave back other bytes than it was given. */
export const parseDocument = <Document>(
  stream: string,
  value: string
): Either.Either<Document, StoreError> => {
  try {
    return Either.right(JSON.parse(value))
  } catch {
    return Either.left(
      new StoreError({
        operation: `read the document of ${stream}`,
        reason: "it is damaged; run `patchmoi log verify`, and restore the record from a copy"
      })
    )
  }
}
