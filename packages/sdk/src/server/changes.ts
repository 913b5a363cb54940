/**
 * `GET /changes`: the log as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). The id of
 * each is its position; whoever comes back with the last one it saw gets what followed it, without gap or repeat.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { positionHeader } from "../api/changesHeader.ts"
import { ChangesQuery } from "../api/queries.ts"
import type { Change } from "../api/records.ts"
import { failureOf } from "./failureOf.ts"
import { HttpFailure } from "./HttpFailure.ts"
import { type Admitted, decodeQuery, runEffect, type Serving } from "./serving.ts"
import { streamAnswer } from "./streams.ts"

/** Between two signs of life on a stream without changes, in seconds: proxies cut what is silent for a minute. */
const heartbeatSeconds = 15

/**
 * Follows the log. Ends when the caller leaves, or when the server stops. The header {@link positionHeader} says after which
 * position it begins: known before the answer is, so that whoever asks for `latest` can look at anything else and miss nothing.
 */
export const changes = async (serving: Serving, admitted: Admitted): Promise<Response> => {
  const { url, request } = admitted
  const { after, type } = decodeQuery(ChangesQuery, url.searchParams)
  const wanted = positionOf(request.headers.get("last-event-id"), after)
  const position = wanted === "latest" ? await runEffect(serving, serving.flow.head) : wanted
  const told = serving.flow.watch({ after: position }).pipe(
    Stream.filter((change) => type === undefined || change.type === type),
    Stream.map(toMessage),
    Stream.catchAll((error) => Stream.succeed(toErrorMessage(error)))
  )
  const heartbeat = Stream.repeatEffect(
    Effect.as(Effect.sleep(`${heartbeatSeconds} seconds`), ": still here\n\n")
  )
  const body = Stream.concat(
    // Sent at once, so that the headers are; a client that is cut off comes back after a second.
    Stream.succeed("retry: 1000\n\n"),
    Stream.merge(told, heartbeat, { haltStrategy: "left" })
  )
  return streamAnswer(serving, admitted, body, {
    "content-type": "text/event-stream; charset=utf-8",
    [positionHeader]: String(position)
  })
}

// --- internal ---

/** What a client says that it saw last beats the address, which a browser sends again as it was. */
const positionOf = (lastEventId: string | null, after: string | undefined): number | "latest" => {
  if (lastEventId === null || lastEventId === "") {
    return after === "latest" ? after : after === undefined ? 0 : Number(after)
  }
  if (/^\d{1,15}$/.test(lastEventId)) return Number(lastEventId)
  throw new HttpFailure("InvalidRequest", "Expected the id of a change, which is a whole number", {
    field: "last-event-id"
  })
}

/** JSON has no line break of its own, so the data is one line. */
const toMessage = (change: Change): string =>
  `id: ${change.position}\nevent: change\ndata: ${JSON.stringify(change)}\n\n`

const toErrorMessage = (error: unknown): string => {
  const { code, message } = failureOf(error) ?? { code: "InternalError", message: "The server failed" }
  return `event: error\ndata: ${JSON.stringify({ error: { code, message } })}\n\n`
}
