/** The events that a result asks for: checked before the run ends, dispatched in the commit in which it ends. */
import * as Either from "effect/Either"
import type { FlowEvent } from "../event/FlowEvent.ts"
import { normalizeEvent } from "../event/normalizeEvent.ts"
import type { FlowResult } from "../flow/FlowResult.ts"
import { makeFollowUpEventId } from "../Ids.ts"
import type { RunDocument } from "../run/RunDocument.ts"

/** How long a chain of follow-up events may be: an event from outside has depth 0. */
export const followUpDepthMax = 32
/** How many follow-up events one result may ask for. */
export const followUpsMax = 100

/**
 * The follow-up events of a result, or why they are refused. Ids that the step does not give follow from the run and the
 * place in the list, so that the same result never dispatches twice.
 */
export const followUpsOf = (
  run: Pick<RunDocument, "id" | "depth" | "approvals">,
  result: FlowResult | undefined,
  now: number
): Either.Either<ReadonlyArray<FlowEvent>, string> => {
  const next = result?.next ?? []
  if (next.length === 0) return Either.right([])
  if (next.length > followUpsMax) {
    return Either.left(
      `FLOW_RESULT next: ${next.length} events, and at most ${followUpsMax} may follow from one run`
    )
  }
  if (run.depth + 1 > followUpDepthMax) {
    return Either.left(
      `FLOW_RESULT next: the chain of follow-up events is ${run.depth + 1} deep, and at most ${followUpDepthMax} is allowed. ` +
        "Does a step answer its own event?"
    )
  }
  return Either.all(
    next.map((event, index) =>
      Either.mapLeft(
        normalizeEvent(
          withDefaultId(event, makeFollowUpEventId(run.id, index, run.approvals?.length ?? 0)),
          now
        ),
        ({ message }) => `FLOW_RESULT next[${index}]: ${message}`
      )
    )
  )
}

// --- internal ---

const withDefaultId = (event: unknown, id: string): unknown =>
  typeof event === "object" && event !== null && !Array.isArray(event) ? { id, ...event } : event
