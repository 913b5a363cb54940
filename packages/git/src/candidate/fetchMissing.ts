/** Getting an object of a remote that is not here yet. No ref is written. */
import * as Effect from "effect/Effect"
import type { ObjectId, RefName, RemoteName } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import { fetchRefspec, RemoteUnreachable } from "../Remote.ts"
import type { Repository } from "../Repository.ts"

/** Fetches the ref unless the object that it names is here. `RemoteUnreachable` also when the ref has moved meanwhile. */
export const fetchMissing = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly remote: RemoteName
  readonly ref: RefName
  readonly object: ObjectId
  readonly timeoutMillis?: number
}) {
  const { object, ref, remote, repository } = given
  const isHere = Effect.map(readObjectSizes({ repository, names: [object] }), ([found]) => found !== null)
  if (yield* isHere) return
  const limited = given.timeoutMillis === undefined ? {} : { timeoutMillis: given.timeoutMillis }
  yield* fetchRefspec({ repository, remote, refspec: ref, ...limited })
  if (yield* isHere) return
  return yield* new RemoteUnreachable({ remote, detail: `${ref} moved while it was looked at; plan again` })
})
