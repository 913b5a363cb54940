/** Getting an object of a remote that is not here yet. No ref is written. */
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import type { ObjectId, RefName, RemoteName } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import { RemoteUnreachable, remoteTimeoutMillisDefault } from "../Remote.ts"
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
  const git = yield* Git
  const isHere = Effect.map(readObjectSizes({ repository, names: [object] }), ([found]) => found !== null)
  if (yield* isHere) return
  const unreachable = (detail: string) => new RemoteUnreachable({ remote, detail })
  yield* git
    .run({
      args: [
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        "--end-of-options",
        remote,
        ref
      ],
      cwd: repository.directory,
      timeout: given.timeoutMillis ?? remoteTimeoutMillisDefault
    })
    .pipe(Effect.mapError((error) => unreachable(error.stderr)))
  if (!(yield* isHere)) return yield* unreachable(`${ref} moved while it was looked at; plan again`)
})
