/** The part of a product that is under test: it tells flows who joined, and asks what came of it. */
import type { FlowClient } from "@patchmoi/sdk"

/** What the product uses of a client; a test may hand it any client, or one over parts of its own. */
export type Flows = Pick<FlowClient, "dispatchEvent">

/** Welcomes a member. The same member is welcomed once. */
export const welcome = async (
  flows: Flows,
  member: { readonly id: string; readonly name: string }
): Promise<{ readonly letter: string | undefined; readonly isFirst: boolean }> => {
  const { runs, idempotent } = await flows.dispatchEvent({
    id: `member:${member.id}`,
    type: "member.joined",
    payload: { name: member.name }
  })
  return { letter: runs[0]?.resultPayload?.message, isFirst: idempotent !== true }
}
