/**
 * `GET /runs/:id/output`: what an attempt printed. A page as JSON; with `follow`, lines of JSON until the attempt has ended;
 * with `Accept: text/plain` the text alone, of which `Range: bytes=` takes a part.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { isSet, OutputQuery } from "../api/queries.ts"
import type { OutputPage } from "../api/records.ts"
import type { ReadOutputOptions } from "../Flow.ts"
import { failureOf } from "./failureOf.ts"
import { guardHeaders, HttpFailure, jsonAnswer } from "./HttpFailure.ts"
import { type Admitted, decodeQuery, runEffect, type Serving } from "./serving.ts"
import { streamAnswer } from "./streams.ts"

/** Between two looks at an attempt that goes on, in milliseconds: output is no fact, so nothing tells that there is more. */
const followMillis = 200

/** Pieces that are read at a time for a stream or a text. */
const piecesMax = 256

/** Gives output of a run. */
export const output = async (serving: Serving, admitted: Admitted): Promise<Response> => {
  const { id = "", url, request } = admitted
  const { follow, ...query } = decodeQuery(OutputQuery, url.searchParams)
  const part = Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, Number(value)]]))
  )
  const isText = wantsText(request.headers.get("accept") ?? "")
  if (!isSet(follow) && !isText) {
    return jsonAnswer(200, await runEffect(serving, serving.flow.readOutput(id, part)))
  }
  // Told as an error and not in the midst of a stream: an unknown run.
  const first = await runEffect(serving, serving.flow.readOutput(id, { ...part, limit: 1 }))
  if (isSet(follow)) return followed(serving, admitted, id, part, isText)
  return wholeText(serving, request, id, { ...part, ...attemptOf(first) }, first)
}

// --- internal ---

const wantsText = (accept: string): boolean =>
  /text\/plain/i.test(accept) && !/application\/json/i.test(accept)

/** The attempt of a page: what comes after it is of the same one, also when the next attempt has begun meanwhile. */
const attemptOf = ({ attemptNumber }: OutputPage): Pick<ReadOutputOptions, "attempt"> =>
  attemptNumber === undefined ? {} : { attempt: attemptNumber }

/** Pages until the attempt has ended (`follow`), or until there is no more for now. */
const pages = (
  { flow }: Serving,
  runId: string,
  part: ReadOutputOptions,
  follow: boolean
): Stream.Stream<OutputPage, HttpFailure> =>
  Stream.paginateEffect(part, (at) =>
    Effect.gen(function* () {
      const page = yield* flow.readOutput(runId, { ...at, limit: piecesMax })
      const isLast = page.complete || (!follow && page.output.length < piecesMax)
      if (!isLast && page.output.length === 0) yield* Effect.sleep(followMillis)
      return [
        page,
        isLast ? Option.none() : Option.some({ ...at, ...attemptOf(page), from: page.next })
      ] as const
    })
  ).pipe(
    Stream.mapError(
      (error) =>
        failureOf(error) ?? new HttpFailure("InternalError", "The output cannot be read at the moment")
    )
  )

const followed = (
  serving: Serving,
  admitted: Admitted,
  runId: string,
  part: ReadOutputOptions,
  isText: boolean
): Response => {
  const toText = ({ output: pieces }: OutputPage): string =>
    pieces.map((piece) => (isText ? piece.text : `${JSON.stringify(piece)}\n`)).join("")
  const text = pages(serving, runId, part, true).pipe(
    Stream.map(toText),
    Stream.filter((piece) => piece !== ""),
    Stream.catchAll(({ code, message }) =>
      Stream.succeed(isText ? "" : `${JSON.stringify({ error: { code, message } })}\n`)
    )
  )
  return streamAnswer(serving, admitted, text, {
    "content-type": isText ? "text/plain; charset=utf-8" : "application/x-ndjson"
  })
}

const wholeText = async (
  serving: Serving,
  request: Request,
  runId: string,
  part: ReadOutputOptions,
  first: OutputPage
): Promise<Response> => {
  const pieces = await runEffect(
    serving,
    Stream.runCollect(pages(serving, runId, part, false)).pipe(
      Effect.map(
        Chunk.flatMap(({ output: found }) => Chunk.map(Chunk.fromIterable(found), ({ text }) => text))
      )
    ),
    request.signal
  )
  const bytes = Buffer.from([...pieces].join(""))
  const headers = {
    "content-type": "text/plain; charset=utf-8",
    ...guardHeaders,
    "accept-ranges": "bytes",
    ...(first.attemptId === undefined
      ? {}
      : { etag: `"${Bun.hash(`${first.attemptId}:${bytes.byteLength}`)}"` })
  }
  const range = request.headers.get("range")
  if (range === null) return new Response(bytes, { status: 200, headers })
  const { start, end } = rangeOf(range, bytes.byteLength)
  return new Response(bytes.subarray(start, end + 1), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end}/${bytes.byteLength}` }
  })
}

/** One range of bytes, both ends included (RFC 9110, 14.1.2); throws {@link HttpFailure} for one that cannot be given. */
const rangeOf = (header: string, length: number): { readonly start: number; readonly end: number } => {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? []
  const start = from === "" ? Math.max(0, length - Number(to)) : Number(from)
  const end = from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1)
  if ((from === "" && Number(to) === 0) || start > end) {
    throw new HttpFailure("RangeNotSatisfiable", `Expected one range of the ${length} bytes that there are`, {
      field: "range",
      details: { bytes: length }
    })
  }
  return { start, end }
}
