/**
 * `patchmoi flow run`: one step by its name, whatever its trigger, on the executor itself. There is no engine and no record
 * behind it: whoever runs a step by name (a person, another backend) keeps its own, and gives the ids.
 */
import { normalizeEvent } from "@patchmoi/core/event/normalizeEvent"
import { type AttemptOutcome, Executor, type StepInvocation } from "@patchmoi/core/executor/Executor"
import type { CatalogSnapshot, Flow, FlowStep } from "@patchmoi/core/flow/Flow"
import { AttemptId, makeAttemptId, makeRunId, RunId } from "@patchmoi/core/Ids"
import { didYouMean } from "@patchmoi/core/nearest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as BunExecutor from "../../executor/BunExecutor.ts"
import { FlowFolders } from "../../flow/FlowFolders.ts"
import type { Run } from "../command.ts"
import { type FileEvent, readEventFile } from "../eventFile.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { Interrupted } from "../failure.ts"
import { awaitAbort } from "../interruption.ts"
import { makeProgress } from "../progress.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { stepSecrets } from "../stepSecrets.ts"
import { statusStyle } from "../text/style.ts"
import { noteBrokenFlows } from "./brokenFlows.ts"
import type { RunStepFlags } from "./flags.ts"
import { UnknownFlow, UnknownStep } from "./unknownNames.ts"

/** Prints `{ flow, step, result }`; on a terminal, the step's output and what it says. */
export const run: Run<RunStepFlags, [string, string]> = async (session, flags, flowName, stepName) => {
  const given = await readEventFile(session, flags.event)
  const snapshot = new FlowFolders({ workspaceRoot: session.directory }).read()
  const { flow, step } = findStep(session, snapshot, flowName, stepName)
  const layer = BunExecutor.layer({
    environment: { mode: "inherit", values: session.caller.env, secrets: await stepSecrets(session) }
  })
  const { outcome, interrupted } = await runWith(
    session,
    layer,
    Effect.flatMap(invocationOf(session, flags, given, flow, step), (invocation) =>
      execute(session, invocation)
    )
  )
  if (interrupted || outcome === undefined) {
    throw new Interrupted(`${flow.name}/${step.name} was interrupted`)
  }
  printOutcome(session, flow, step, outcome)
  return exitCodeOf(outcome)
}

// --- internal ---

const findStep = (session: Session, snapshot: CatalogSnapshot, flowName: string, stepName: string) => {
  const flow = snapshot.flows.find(({ name }) => name === flowName)
  if (flow === undefined) {
    if (!session.json) noteBrokenFlows(session, snapshot.broken)
    const names = snapshot.flows.map(({ name }) => name)
    throw new UnknownFlow(flowName, didYouMean(flowName, names), names)
  }
  const step = flow.steps.find(({ name }) => name === stepName)
  if (step !== undefined) return { flow, step }
  const names = flow.steps.map(({ name }) => name)
  throw new UnknownStep(flowName, stepName, didYouMean(stepName, names), names)
}

/** The ids of the run: given, else those of the caller's own run, else made of what identifies it. */
const invocationOf = (session: Session, flags: RunStepFlags, given: FileEvent, flow: Flow, step: FlowStep) =>
  Effect.gen(function* () {
    const event = yield* normalizeEvent(given, yield* Clock.currentTimeMillis)
    const { env } = session.caller
    const key = { eventId: event.id, flowName: flow.name, stepName: step.name, generation: 0 }
    const runId = flags.runId ?? env["CODEX_FLOW_RUN_ID"]
    const id = runId === undefined ? makeRunId(key) : RunId.make(runId, true)
    const attemptId = flags.attemptId ?? env["CODEX_FLOW_ATTEMPT_ID"]
    const invocation: StepInvocation = {
      flow: {
        name: flow.name,
        version: flow.version,
        root: flow.root,
        step: step.name,
        ...(flow.config === undefined ? {} : { config: flow.config })
      },
      plan: step.plan,
      event,
      runId: id,
      attemptId: attemptId === undefined ? makeAttemptId(id, 1) : AttemptId.make(attemptId, true),
      replay: flags.replay ?? ["1", "true", "yes"].includes(env["CODEX_FLOW_REPLAY"] ?? ""),
      ...(flags.workspaceBackendUrl === undefined ? {} : { workspaceBackendUrl: flags.workspaceBackendUrl })
    }
    return invocation
  })

/** Runs the step; the first interruption ends its process group, the second does so at once. */
const execute = (session: Session, invocation: StepInvocation) =>
  Effect.gen(function* () {
    const executor = yield* Executor
    const signal = session.caller.interruption()
    const progress = makeProgress(session)
    const name = `${invocation.flow.name}/${invocation.flow.step}`
    if (!executor.runners.includes(invocation.plan.runner)) {
      const error = `No executor serves the runner "${invocation.plan.runner}" here`
      const outcome: AttemptOutcome = { exit: { _tag: "NotStarted", reason: error }, error }
      return { outcome, interrupted: false }
    }
    const step = yield* Effect.fork(
      executor.execute(invocation, {
        onOutput: ({ text }) =>
          Effect.sync(() => {
            progress.clear()
            if (session.forPeople) session.print(text)
          }),
        onStarted: ({ pid }) =>
          Effect.sync(() => {
            session.caller.onKilled(() => killGroup(pid))
            progress.happened(`${name} started`)
          })
      })
    )
    const ended = yield* Effect.raceFirst(
      Effect.map(Fiber.join(step), (outcome) => ({ outcome, interrupted: false })),
      Effect.as(awaitAbort(signal), { outcome: undefined, interrupted: true })
    )
    yield* Fiber.interrupt(step)
    progress.clear()
    return ended
  })

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // The group has ended by itself.
  }
}

const printOutcome = (session: Session, flow: Flow, step: FlowStep, outcome: AttemptOutcome): void => {
  const { result, error, exit } = outcome
  if (session.forPeople) {
    const status = error === undefined ? (result?.status ?? "completed") : "failed"
    const says = error ?? result?.message
    const style = statusStyle(session.styles, status)
    session.print(`${style(status)}  ${flow.name}/${step.name}${says === undefined ? "" : `  ${says}`}\n`)
    return
  }
  session.printJson({
    flow: flow.name,
    step: step.name,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error, exit })
  })
  if (error !== undefined && !session.json) session.note(`error: ${error}`)
}

const exitCodeOf = ({ result, error }: AttemptOutcome): ExitCode => {
  const status = result?.status
  if (status === "needs_intervention" || status === "blocked") return exitCodes.needsAttention
  return error !== undefined || status === "failed" ? exitCodes.failed : exitCodes.good
}
