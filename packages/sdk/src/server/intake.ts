/** `POST /events`: the hot path. One parse, one commit, one short answer. */
import { DispatchQuery, isSet } from "../api/queries.ts"
import { jsonAnswer } from "./HttpFailure.ts"
import { parseJson } from "./requestBody.ts"
import { type Admitted, decodeQuery, runEffect, type Serving } from "./serving.ts"
import { answerOf, type Wanted } from "./waiting.ts"

/** Takes an event in. The answer comes when the event and its runs are durable. */
export const dispatch = async (serving: Serving, admitted: Admitted): Promise<Response> => {
  const wanted = wantedOf(admitted.url)
  const outcome = await runEffect(
    serving,
    serving.flow.acceptEvent(parseJson(admitted.body), { by: admitted.caller.by })
  )
  serving.metrics.dispatched(outcome.status)
  if (wanted === undefined) return jsonAnswer(202, outcome)
  const { flow, settings } = serving
  const answer = answerOf(flow, settings, admitted.caller, outcome, wanted)
  return jsonAnswer(202, await runEffect(serving, answer, admitted.request.signal))
}

// --- internal ---

const wantedOf = ({ search, searchParams }: URL): Wanted | undefined => {
  if (search === "") return undefined
  const { wait, timeoutMillis, include } = decodeQuery(DispatchQuery, searchParams)
  return {
    wait: isSet(wait),
    runs: include === "runs",
    timeoutMillis: timeoutMillis === undefined ? undefined : Number(timeoutMillis)
  }
}
