/** Reads fields of known size, and fields that end in a known byte, from output that arrives in pieces. */
import * as Effect from "effect/Effect"
import type { GitError, GitProcess } from "../Git.ts"

export interface ByteReader<E> {
  /** Everything up to the byte, which is consumed and not returned. Fails at the end of output. */
  readonly until: (byte: number) => Effect.Effect<Buffer, E>
  /** Exactly this many bytes. Fails at the end of output. */
  readonly take: (count: number) => Effect.Effect<Buffer, E>
}

/** A reader over an open git process. `onEnd` makes the failure for output that stops in the middle of a field. */
export const makeByteReader = (
  source: Pick<GitProcess, "read">,
  onEnd: () => GitError
): ByteReader<GitError> => {
  let pending: Buffer = Buffer.alloc(0)
  const more = Effect.flatMap(source.read, (chunk) =>
    Effect.suspend(() => {
      if (chunk.byteLength === 0) return Effect.fail(onEnd())
      pending = pending.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk])
      return Effect.void
    })
  )
  const cut = (length: number, skip: number): Buffer => {
    const field = pending.subarray(0, length)
    pending = pending.subarray(length + skip)
    return field
  }
  const until = (byte: number): Effect.Effect<Buffer, GitError> =>
    Effect.suspend(() => {
      const at = pending.indexOf(byte)
      return at >= 0 ? Effect.succeed(cut(at, 1)) : Effect.zipRight(more, until(byte))
    })
  const take = (count: number): Effect.Effect<Buffer, GitError> =>
    Effect.suspend(() =>
      pending.byteLength >= count ? Effect.succeed(cut(count, 0)) : Effect.zipRight(more, take(count))
    )
  return { until, take }
}
