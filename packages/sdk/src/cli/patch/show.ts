/** `patchmoi patch show`: all about one patch. */
import { ContractIssue, DropWhen, PatchDetail } from "@patchmoi/git"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { printFacts, printHeading } from "../text/facts.ts"
import { oneLine } from "../text/width.ts"
import type { PatchShowFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Reads only. */
export const run: Run<PatchShowFlags, [string]> = async (session, flags, patch) => {
  const shown = await inRepository(session, (here) => read(flags, patch, here))
  if (session.json) session.printJson({ ...shown.detail, dropWhen: shown.dropWhen })
  else printPatch(session, shown, flags.noDiff === true)
  return exitCodes.good
}

// --- internal ---

interface Shown {
  readonly detail: PatchDetail.PatchDetail
  /** Whether the contract says that it may go now; `null` when it says nothing. */
  readonly dropWhen: DropWhen.DropWhenAnswer | null
}

const read = (flags: PatchShowFlags, patch: string, { repository, topology }: Here) =>
  Effect.gen(function* () {
    const limit = flags.noDiff === true ? { diffBytesMax: 0 } : {}
    const detail = yield* PatchDetail.readPatch({ repository, topology, patch, ...limit })
    const { dropWhen } = detail.contract
    const onto = topology.upstream.commit
    const answer =
      dropWhen === undefined || onto === null
        ? null
        : yield* DropWhen.dropWhenReached({ repository, onto, dropWhen })
    return { detail, dropWhen: answer } satisfies Shown
  })

const printPatch = (session: Session, { detail, dropWhen }: Shown, noDiff: boolean): void => {
  const { contract, commits, files } = detail
  const may = dropWhen === null ? "" : ` (${dropWhen.reached ? "reached" : "not yet"}: ${dropWhen.detail})`
  printFacts(session, [
    ["patch", detail.patch],
    ["tip", detail.tip],
    ["base", detail.base],
    ["purpose", contract.purpose],
    ["owner", contract.owner],
    ["upstream", contract.upstream],
    ["drop when", contract.dropWhen === undefined ? undefined : `${contract.dropWhen}${may}`],
    ...contract.scope.map((glob) => ["scope", glob] as const),
    ...contract.checks.map((command) => ["check", command] as const),
    ...detail.issues.map((issue) => ["issue", ContractIssue.formatContractIssue(issue)] as const)
  ])
  printHeading(session, "Commits")
  session.printRows(
    [
      { title: "COMMIT", of: ({ commit }) => (session.forPeople ? shortId(commit) : commit) },
      { title: "DATE", of: ({ authoredSeconds }) => dateOf(authoredSeconds) },
      { title: "AUTHOR", of: ({ author }) => author, shrinks: true },
      { title: "SUBJECT", of: ({ subject }) => subject, shrinks: true }
    ],
    commits
  )
  printHeading(session, `Files (${files.length + detail.filesOmitted}, +${detail.added} -${detail.removed})`)
  session.printRows(
    [
      { title: "CHANGE", of: ({ change }) => change },
      { title: "ADDED", of: ({ added }) => (added === null ? "binary" : String(added)) },
      { title: "REMOVED", of: ({ removed }) => (removed === null ? "binary" : String(removed)) },
      {
        title: "PATH",
        of: ({ path, oldPath }) => (oldPath === null ? path : `${oldPath} → ${path}`),
        shrinks: true
      }
    ],
    files
  )
  if (detail.filesOmitted > 0) session.print(`and ${detail.filesOmitted} more files\n`)
  if (!noDiff) printDiff(session, detail)
}

/** The day, in UTC. A date that no calendar has is the number as it is. */
const dateOf = (seconds: number): string =>
  Math.abs(seconds) < 8.64e12
    ? DateTime.formatIso(DateTime.unsafeMake(seconds * 1000)).slice(0, "2026-11-21".length)
    : String(seconds)

const printDiff = (session: Session, { diff, diffTruncated }: PatchDetail.PatchDetail): void => {
  const { dim, green, red, bold } = session.styles
  printHeading(session, "Diff")
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    // Content of files must not move the cursor; tabs are what they are.
    const text = line.split("\t").map(visible).join("\t")
    const style = line.startsWith("+") ? green : line.startsWith("-") ? red : null
    session.print(`${style === null ? (line.startsWith("diff ") ? bold(text) : text) : style(text)}\n`)
  }
  if (diffTruncated) session.print(dim("(the diff goes on)\n"))
}

/** Control characters as spaces, and the spaces around the text as they are. */
const visible = (text: string): string => {
  const bare = oneLine(`.${text}.`)
  return bare.slice(1, -1)
}
