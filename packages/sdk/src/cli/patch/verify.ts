/** `patchmoi patch verify`: builds a candidate again from what its note says, and compares the ids. */
import { VerifyCandidate } from "@patchmoi/git"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { CommonFlags, Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { inRepository, shortId } from "./repository.ts"

/** Exit code 0 when the ids are the same, 1 when they differ, 10 when nobody can tell. */
export const run: Run<CommonFlags, [string]> = async (session, _flags, revision) => {
  const found = await inRepository(session, ({ repository }) =>
    VerifyCandidate.verifyCandidate({ repository, revision })
  )
  if (session.json) session.printJson(found)
  else printVerification(session, found)
  return found._tag === "Verified"
    ? exitCodes.good
    : found._tag === "Differs"
      ? exitCodes.failed
      : exitCodes.needsAttention
}

// --- internal ---

const printVerification = (session: Session, found: VerifyCandidate.Verification): void => {
  const { green, red, yellow } = session.styles
  if (found._tag === "Verified") {
    const { inputs, tag } = found.proof
    session.print(`${green("verified")} ${shortId(found.commit)}: the candidate of ${oneLine(tag)}\n`)
    session.print(`onto: ${shortId(inputs.onto)}\n`)
    for (const { patch, tip } of inputs.patches) session.print(`patch: ${oneLine(patch)} ${shortId(tip)}\n`)
  } else if (found._tag === "Differs") {
    session.print(`${red("differs")} ${shortId(found.commit)}: its inputs give something else\n`)
    for (const { noted, rebuilt, what } of found.differences) {
      session.print(`${oneLine(what)}: noted ${oneLine(noted)}, rebuilt ${oneLine(rebuilt)}\n`)
    }
  } else {
    session.print(
      `${yellow("unverifiable")} ${shortId(found.commit)} (${found.reason}): ${oneLine(found.detail)}\n`
    )
  }
}
