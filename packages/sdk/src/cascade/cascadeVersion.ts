/**
 * A cascade as a step of a flow: reads the operator's table, plans, applies, and gives a result.
 *
 * What stands in the way of the whole cascade is `blocked`; a target that failed makes it `failed`, and running the event
 * again touches only what was not reached; a pinned target alone makes it `needs_intervention`. A target that is dispatched
 * to shows nothing of it, and a step has no record: running the event again dispatches to it again.
 */
import { isAbsolute, join } from "node:path"
import { applyCascade } from "@patchmoi/git/cascade/apply"
import type { CascadePlan } from "@patchmoi/git/cascade/CascadePlan"
import { type CascadeReport, summaryOf } from "@patchmoi/git/cascade/CascadeReport"
import { parseVersion } from "@patchmoi/git/cascade/CascadeVersion"
import { planCascade } from "@patchmoi/git/cascade/plan"
import { loadCascadeConfig } from "@patchmoi/git/cascade/readConfig"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { FlowResult } from "../step.ts"
import { artifactOf } from "./artifact.ts"
import { type CascadeFlowConfig, readFlowConfig } from "./CascadeFlowConfig.ts"
import { withCascade } from "./layerCascade.ts"

/** Which version goes where, and what the operator allows. Nothing is written unless `push` is on. */
export interface CascadeVersionOptions {
  /** The folder that paths of the config are relative to. Absolute. */
  readonly workspace: string
  /** The payload of `downstream.release`. */
  readonly payload: { readonly packageName: string; readonly version: string }
  /** The operator's table; see `CascadeFlowConfig`. The gate `CODEX_FLOW_PUSH` wins over it. Default: an empty table. */
  readonly config?: unknown
  /** Aborting it ends what is under way and rejects the promise. What was pushed stays pushed. */
  readonly signal?: AbortSignal
  /** Called once for each target. Default: print the line. */
  readonly onProgress?: (line: string) => void
}

/** Writes the version of the event into every target, and gives the result of a flow's step. */
export const cascadeVersion = (options: CascadeVersionOptions): Promise<FlowResult> => {
  const attempt = Effect.gen(function* () {
    const config = yield* readFlowConfig(options.config)
    const memory = pathIn(options.workspace, config.memory)
    return yield* withCascade({ memory }, carryOut(options, config))
  }).pipe(
    Effect.catchAll((error) =>
      Effect.succeed<FlowResult>({ status: "blocked", message: error.message.slice(0, 4_000) })
    )
  )
  return Effect.runPromise(attempt, options.signal === undefined ? {} : { signal: options.signal })
}

// --- internal ---

const pathIn = (workspace: string, path: string): string => (isAbsolute(path) ? path : join(workspace, path))

const carryOut = (options: CascadeVersionOptions, config: CascadeFlowConfig) =>
  Effect.gen(function* () {
    const { packageName } = options.payload
    if (config.package !== undefined && config.package !== packageName) {
      const message = `this flow is for ${config.package}, and the event is about ${packageName}`
      return { status: "skipped", message } satisfies FlowResult
    }
    const version = yield* parseVersion(options.payload.version)
    const cascade = yield* loadCascadeConfig(pathIn(options.workspace, config.cascade))
    const say = (line: string) =>
      options.onProgress === undefined ? Console.log(line) : Effect.sync(() => options.onProgress?.(line))
    const plan = yield* planCascade({
      config: cascade,
      version,
      allowDowngrade: config.allow_downgrade,
      overridePins: config.override_pins,
      trustMemory: config.push
    })
    if (!config.push) return notPushed(plan)
    const report = yield* applyCascade(plan, {
      onOutcome: ({ reason, status, target }) =>
        say(`${status} ${target.id}${reason === "" ? "" : `: ${reason}`}`)
    })
    return resultOf(plan, report)
  })

/** The gate is closed: what would be done is told, and nothing is. */
const notPushed = (plan: CascadePlan): FlowResult => {
  const counts = new Map<string, number>()
  for (const { intent } of plan.entries) counts.set(intent, (counts.get(intent) ?? 0) + 1)
  const told = [...counts].map(([intent, count]) => `${count} ${intent}`).join(", ")
  return {
    status: "completed",
    message: `planned ${plan.config.name} ${plan.version}: ${told}; push is off, so nothing was written`
  }
}

const resultOf = (plan: CascadePlan, report: CascadeReport): FlowResult => {
  const wrote = report.outcomes.some(({ status }) => status === "written" || status === "dispatched")
  const statuses: Record<CascadeReport["status"], FlowResult["status"]> = {
    failed: "failed",
    needs_person: "needs_intervention",
    completed: wrote ? "changed" : "completed"
  }
  const failed = report.outcomes.filter(({ status }) => status === "failed").slice(0, failedShownMax)
  const named = failed.map(({ next, reason, target }) => `${target.id}: ${reason} (${next})`).join("; ")
  return {
    status: statuses[report.status],
    message:
      `${report.name} ${report.version}: ${summaryOf(report.outcomes)}${named === "" ? "" : `. ${named}`}`.slice(
        0,
        4_000
      ),
    artifacts: { cascade: artifactOf(plan, report) }
  }
}

/** Failed targets that the message names; all are in the artifacts. */
const failedShownMax = 5
