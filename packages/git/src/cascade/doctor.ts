/**
 * Checking each target before the first real run, without writing: reachable, writable, which branch, opted in, and a
 * workflow that reads the version file. A push that starts a build which ignores the file would look like a success.
 */
import * as Effect from "effect/Effect"
import { shortName } from "../GitName.ts"
import type { CommitView } from "../transport/CommitView.ts"
import { GitTransport, type TransportTarget } from "../transport/GitTransport.ts"
import type { TransportError } from "../transport/TransportError.ts"
import type { CascadeConfig, CascadeTarget } from "./CascadeConfig.ts"
import { DoctorProbe } from "./DoctorProbe.ts"
import { findReaders, workflowFoldersOf } from "./internal/workflows.ts"
import { remoteOf } from "./plan.ts"
import { codeOf, nextStepOf, reasonOf } from "./TargetProblem.ts"

/** Something that stands between a target and a cascade. */
export interface TargetIssue {
  readonly code: string
  readonly message: string
  readonly next: string
  /** Whether a cascade would fail or be ignored; false for what could not be checked. */
  readonly blocks: boolean
}

/** One target as it was found. */
export interface TargetDiagnosis {
  readonly target: CascadeTarget
  /** The branch that would be written to; `null` when it is not known. */
  readonly branch: string | null
  /** Whether it has the file or the marker; `null` when it could not be read. */
  readonly optedIn: boolean | null
  /** Workflow files that read the version file. */
  readonly workflows: ReadonlyArray<string>
  readonly issues: ReadonlyArray<TargetIssue>
}

/** Checks every target; one that is not enabled is left out. Never fails. */
export const doctorCascade = Effect.fn("Cascade.doctor")(function* (
  config: CascadeConfig,
  onTarget: (diagnosis: TargetDiagnosis) => Effect.Effect<void> = () => Effect.void
) {
  return yield* Effect.forEach(
    config.targets.filter(({ enabled }) => enabled),
    (target) => Effect.tap(examine(config, target), onTarget),
    { concurrency: config.concurrency }
  )
})

/** Whether a cascade would reach every target and be heard there. */
export const isHealthy = (diagnoses: ReadonlyArray<TargetDiagnosis>): boolean =>
  diagnoses.every(({ issues }) => issues.every(({ blocks }) => !blocks))

// --- internal ---

const examine = (config: CascadeConfig, target: CascadeTarget) => {
  const sick = (code: string, message: string): TargetDiagnosis => ({
    target,
    branch: target.branch === null ? null : shortName(target.branch),
    optedIn: null,
    workflows: [],
    issues: [issue(target, code, message)]
  })
  return lookAround(config, target).pipe(
    Effect.catchAll((error) => Effect.succeed(sick(codeOf(error), reasonOf(error)))),
    Effect.timeoutTo({
      duration: config.targetMillis,
      onSuccess: (diagnosis) => diagnosis,
      onTimeout: () => sick("DeadlinePassed", `not read within ${config.targetMillis} ms`)
    })
  )
}

const issue = (target: CascadeTarget, code: string, message: string, blocks = true): TargetIssue => ({
  code,
  message,
  next: nexts[code] ?? nextStepOf(code, target),
  blocks
})

const nexts: Readonly<Record<string, string>> = {
  NotActive: "add the version file to the repository, or set probe to a file that it has",
  NoWorkflowReads:
    "let a workflow take its version from `patchmoi cascade resolve-version`, or read the file",
  NotOnPush: "let the workflow that reads the file run on push",
  NotChecked: "try a push to another branch by hand",
  NotWritable: "give the account of the token write access"
}

const lookAround = (
  config: CascadeConfig,
  target: CascadeTarget
): Effect.Effect<TargetDiagnosis, TransportError, GitTransport | DoctorProbe> =>
  Effect.gen(function* () {
    const transport = yield* GitTransport
    const probe = yield* DoctorProbe
    const { remote } = yield* remoteOf(config, target)
    const head = yield* transport.readHead(remote, target.branch)
    const branch = shortName(head.branch)
    if (head.commit === null) {
      const code = target.branch === null ? "EmptyRepository" : "NoSuchBranch"
      const found = [issue(target, code, `it has no commit on ${branch}`)]
      return { target, branch, optedIn: false, workflows: [], issues: found }
    }
    const folders = workflowFoldersOf(target.forge)
    const paths = [config.file, ...(config.probe === null ? [] : [config.probe])]
    const view = yield* transport.readCommit(remote, { commit: head.commit, paths, folders })
    const optedIn = paths.some((path) => view.entryOf(path) !== null)
    const writable = yield* probe.isWritable(remote)
    const reading = yield* readersOf(config, target, remote, view, folders)
    const issues = [
      ...(writable === true
        ? []
        : [
            writable === null
              ? issue(target, "NotChecked", "whether it takes pushes is not known without one", false)
              : issue(target, "NotWritable", writable)
          ]),
      ...(optedIn ? [] : [issue(target, "NotActive", `it has no ${paths.join(" and no ")}`)]),
      ...reading.issues
    ]
    return { target, branch, optedIn, workflows: reading.workflows, issues }
  })

/** Longest workflow file that is read, in bytes. */
const workflowBytesMax = 256 * 1024

const readersOf = (
  config: CascadeConfig,
  target: CascadeTarget,
  remote: TransportTarget,
  view: CommitView,
  folders: ReadonlyArray<string>
) =>
  Effect.gen(function* () {
    const transport = yield* GitTransport
    const found = yield* findReaders({
      view,
      folders,
      file: config.file,
      read: (path, oid) =>
        transport
          .readBlob(remote, { commit: view.commit, path, oid, bytesMax: workflowBytesMax })
          .pipe(Effect.catchTag("AnswerTooLarge", () => Effect.succeed(new Uint8Array())))
    })
    const workflows = found.map(({ path }) => path)
    if (found.length === 0) {
      const message = `no workflow in ${folders.join(", ")} reads ${config.file}`
      return { workflows, issues: [issue(target, "NoWorkflowReads", message)] }
    }
    const deaf = target.mode === "push" && !found.some(({ onPush }) => onPush)
    return {
      workflows,
      issues: deaf ? [issue(target, "NotOnPush", `${workflows.join(", ")} does not run on push`)] : []
    }
  })
