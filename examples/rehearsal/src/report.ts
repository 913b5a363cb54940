/** What the rehearsal shows of runs, conflicts and records. It reads what any client reads. */
import type { FlowClient, RunView, WatchReport } from "@patchmoi/sdk"
import { attention, chapter, good, insist, quote, tell } from "./narrator.ts"
import type { Places } from "./workspace.ts"

/** The one run that a poll started. */
export const onlyRun = async (client: FlowClient, report: WatchReport): Promise<RunView> => {
  const [runId] = report.runIds
  insist(runId !== undefined && report.runIds.length === 1, `Expected one run, found ${report.runIds.length}`)
  return client.getRun(runId)
}

/** Shows what the step printed, without the line that carries its result: that is shown in the operator's words. */
export const showOutput = (run: RunView): void => {
  const text = run.output.map((piece) => piece.text).join("")
  quote(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("FLOW_RESULT "))
      .join("\n")
  )
}

/** Shows the conflict of a run as an operator sees it. */
export const showConflict = (run: RunView): void => {
  const conflict = run.resultPayload?.artifacts?.["conflict"]
  insist(isConflict(conflict), "The run has no conflict record")
  attention(`patch ${conflict.patch}, commit ${conflict.commit.slice(0, 12)} "${conflict.subject}"`)
  for (const file of conflict.files) {
    attention(`${file.path}: ${file.kind}`)
    for (const side of ["base", "ours", "theirs"] as const) {
      tell(`  ${side.padEnd(6)} ${file[side]?.oid ?? "absent"}`)
    }
    if (typeof file.markedText === "string") quote(aroundMarkers(file.markedText))
  }
  const resolve = run.resultPayload?.artifacts?.["resolve"]
  if (Array.isArray(resolve)) tell(`to resolve it by hand:\n${resolve.join("\n")}`)
}

/** Ends with where every record lies. */
export const summarize = async (client: FlowClient, places: Places): Promise<void> => {
  chapter("Where every record lies")
  const { attempts } = await client.listMaintenanceAttempts({ limit: 500 })
  for (const attempt of attempts
    .filter(({ status }) => status !== "skipped" || attempts.length < 5)
    .toReversed()) {
    const refs = attempt.candidateRefs.map(({ ref }) => ref).join(", ")
    tell(
      `${attempt.upstreamTag ?? attempt.eventId}: ${attempt.operation} → ${attempt.status}${refs === "" ? "" : ` (${refs})`}`
    )
  }
  const skipped = attempts.filter(({ status }) => status === "skipped").length
  if (skipped > 0)
    tell(`${skipped} attempts ended as skipped: their event matched no step, or another took their place`)
  tell(`the fork with its candidate branches   ${places.fork}`)
  tell(`the log, the source of everything      ${places.dataDir}/log`)
  tell(`readable files for people and scripts  ${places.dataDir}/*.jsonl`)
  tell(`the sources that are watched           ${places.sourcesFile}`)
  tell(`the flow with its configuration        ${places.workspace}/.codex/flows/maintain-fork`)
  good(`look around: npm run patchmoi -- run list --cwd ${places.workspace} --data-dir ${places.dataDir}`)
}

// --- internal ---

interface ConflictRecord {
  readonly patch: string
  readonly commit: string
  readonly subject: string
  readonly files: ReadonlyArray<{
    readonly path: string
    readonly kind: string
    readonly base: { readonly oid: string } | null
    readonly ours: { readonly oid: string } | null
    readonly theirs: { readonly oid: string } | null
    readonly markedText: string | null
  }>
}

/** How many lines around a conflict are shown. */
const contextLines = 2

/** The marked places of a file with a little around them. */
const aroundMarkers = (text: string): string => {
  const lines = text.split("\n")
  const first = lines.findIndex((line) => line.startsWith("<<<<<<< "))
  const last = lines.findLastIndex((line) => line.startsWith(">>>>>>> "))
  return first < 0 ? text : lines.slice(Math.max(0, first - contextLines), last + 1 + contextLines).join("\n")
}

const isConflict = (value: unknown): value is ConflictRecord =>
  typeof value === "object" && value !== null && "files" in value && Array.isArray(value.files)
