/**
 * Reading through isomorphic-git, in memory, from servers without protocol version 2 or without filters.
 *
 * Such a server sends every file of the commit, so the bound on answers is what keeps this small. The library is loaded
 * when it is first needed.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import type { GitHttpRequest, HttpClient } from "isomorphic-git"
import type { ObjectId } from "../GitName.ts"
import type { ObjectSource } from "./commitReader.ts"
import { decoded, type Exchange } from "./exchange.ts"
import type { TransportTarget } from "./GitTransport.ts"
import { makeMemoryFs } from "./memoryFs.ts"
import { cleanWords, knownRefusal } from "./serverWords.ts"
import { ProtocolBroken, ProtocolUnsupported, TransportError } from "./TransportError.ts"
import { type PackObject, readPack, unpackedBytesMax } from "./wire/pack.ts"
import { readPackets } from "./wire/pktLine.ts"

/** Fetches a commit and gives what came with it. `ProtocolUnsupported` for SHA-256, which the library does not know. */
export const fetchByIsomorphicGit = Effect.fnUntraced(function* (
  exchange: Exchange,
  target: TransportTarget,
  options: { readonly commit: ObjectId; readonly depth: number }
) {
  const { url } = target
  if (options.commit.length !== 40) {
    const detail = "the server lacks protocol version 2 or filters, which SHA-256 repositories need here"
    return yield* new ProtocolUnsupported({ url, detail })
  }
  const git = yield* Effect.promise(() => import("isomorphic-git"))
  const runtime = yield* Effect.runtime<never>()
  const [fs, cache, gitdir] = [makeMemoryFs(), {}, "/repository"]
  const attempt = <A>(work: (signal: AbortSignal) => Promise<A>) =>
    Effect.tryPromise({ try: work, catch: (cause) => errorOf(url, cause) })
  yield* attempt(async (signal) => {
    await git.init({ fs, dir: gitdir, gitdir, bare: true })
    await git.addRemote({ fs, gitdir, remote: "origin", url })
    const ask = (question: Parameters<Exchange>[0]) =>
      Runtime.runPromise(runtime)(Effect.either(exchange(question)), { signal })
    await git.fetch({
      fs,
      cache,
      gitdir,
      remote: "origin",
      http: clientOver(ask, target),
      ref: options.commit,
      remoteRef: options.commit,
      depth: options.depth,
      singleBranch: true,
      tags: false
    })
  })
  const read = (oid: ObjectId) =>
    attempt(() => git.readObject({ fs, cache, gitdir, oid, format: "content" })).pipe(
      Effect.map(({ type, object }): PackObject | null => packObject(type, object)),
      Effect.catchTag("ProtocolBroken", (error) =>
        error.detail.startsWith(notFoundMark) ? Effect.succeed(null) : Effect.fail(error)
      )
    )
  const source: ObjectSource = { url, read }
  return source
})

// --- internal ---

const notFoundMark = "NotFoundError"

type Ask = (question: Parameters<Exchange>[0]) => Promise<Either.Either<Buffer, TransportError>>

/** The library's idea of HTTP over our own, so that bounds, redirects and credentials are the same. */
const clientOver = (ask: Ask, target: TransportTarget): HttpClient => ({
  request: async (request: GitHttpRequest) => {
    const service = "git-upload-pack"
    const isQuestion = request.method === "POST"
    const body = isQuestion ? await collect(request.body) : null
    const answer = await ask({ target, service, body, version: 0 })
    if (Either.isLeft(answer)) throw answer.left
    const checked = decoded(target, false, () => (isQuestion ? checkPack(answer.right) : undefined))
    if (Either.isLeft(checked)) throw checked.left
    return {
      url: request.url,
      statusCode: 200,
      statusMessage: "OK",
      headers: { "content-type": `application/x-${service}-${isQuestion ? "result" : "advertisement"}` },
      body: pieces(answer.right)
    }
  }
})

/** The library unpacks whatever comes, so that the limits are tried before. Nothing is here yet: the pack stands by itself. */
const checkPack = (answer: Buffer): void => {
  const pieces = readPackets(answer).flatMap((one) =>
    typeof one !== "string" && one[0] === dataChannel ? [one.subarray(1)] : []
  )
  if (pieces.length > 0) readPack({ pack: Buffer.concat(pieces), format: "sha1", bytesMax: unpackedBytesMax })
}

const dataChannel = 1

async function* pieces(bytes: Uint8Array) {
  yield bytes
}

const collect = async (body: GitHttpRequest["body"]): Promise<Buffer> => {
  const collected: Array<Uint8Array> = []
  for await (const piece of body ?? []) collected.push(piece)
  return Buffer.concat(collected)
}

const isTransportError = Schema.is(TransportError)

const errorOf = (url: string, cause: unknown): TransportError => {
  if (isTransportError(cause)) return cause
  const name = cause instanceof Error ? cause.name : "Error"
  const said = cleanWords(cause instanceof Error ? cause.message : String(cause))
  const detail = `${name}: ${said}`.slice(0, 500)
  return knownRefusal(url, said) ?? new ProtocolBroken({ url, detail, afterSend: false })
}

const packObject = (type: string, object: unknown): PackObject | null =>
  object instanceof Uint8Array && (type === "commit" || type === "tree" || type === "blob" || type === "tag")
    ? { type, content: Buffer.from(object) }
    : null
