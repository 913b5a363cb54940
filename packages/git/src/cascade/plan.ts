/**
 * Making a plan: every target is looked at, none is written to.
 *
 * 1. A target that cannot be read is part of the plan (`unreachable`) and stops no other one.
 * 2. Each target has its own deadline; at most `concurrency` are looked at at once.
 * 3. The entries stand in the order of the configuration, whatever answered first.
 */
import * as Effect from "effect/Effect"
import type { TransportTarget } from "../transport/GitTransport.ts"
import type { CascadeConfig, CascadeTarget } from "./CascadeConfig.ts"
import type { CascadePlan, PlanEntry, WrittenBefore } from "./CascadePlan.ts"
import { type CascadeVersion, compareVersions } from "./CascadeVersion.ts"
import { type Credentials, readCredentials } from "./Credentials.ts"
import { ForgeApi } from "./ForgeApi.ts"
import { HeadMemory, type RememberedHead } from "./HeadMemory.ts"
import { type CascadeWishes, type Judgement, judge } from "./judge.ts"
import { type Look, lookAt, lookRemembered } from "./lookAt.ts"
import { codeOf, nextStepOf, reasonOf } from "./TargetProblem.ts"

/** Bytes of trees that a plan keeps, so that applying it need not ask again: 64 MiB. Targets beyond that are asked again. */
export const planViewBytesMax = 64 * 1024 * 1024

/** What to plan. */
export interface PlanOptions extends CascadeWishes {
  readonly config: CascadeConfig
  readonly version: CascadeVersion
  /** What the record says was told to each target before. (Default: nothing is known.) */
  readonly written?: WrittenBefore
  /**
   * Plan a write without asking where the branch is configured and remembered: applying it is then a single request. A
   * branch that moved refuses the push and is read. (Default: false: each target is asked.)
   */
  readonly trustMemory?: boolean
  /** Told of each target once it was looked at. */
  readonly onTarget?: (entry: PlanEntry) => Effect.Effect<void>
}

/** Looks at every target. Never fails: what cannot be read is in the plan. */
export const planCascade = Effect.fn("Cascade.plan")(function* (options: PlanOptions) {
  const { config, version } = options
  const written: WrittenBefore = options.written ?? new Map()
  let bytesLeft = planViewBytesMax
  const entries = yield* Effect.forEach(
    config.targets,
    (target) =>
      Effect.map(planTarget({ ...options, written }, target), (entry) => {
        bytesLeft -= sizeOf(entry.look)
        return bytesLeft < 0 ? { ...entry, look: null } : entry
      }).pipe(Effect.tap((entry) => options.onTarget?.(entry) ?? Effect.void)),
    { concurrency: config.concurrency }
  )
  const wishes = {
    allowDowngrade: options.allowDowngrade === true,
    overridePins: options.overridePins === true
  }
  const plan: CascadePlan = { config, version, wishes, written, entries }
  return plan
})

/** Everything that looking at a target needs to know, with its credentials. */
export const remoteOf = (config: CascadeConfig, target: CascadeTarget) =>
  Effect.map(readCredentials(target, config.giteaUrl), (credentials) => {
    const remote: TransportTarget = { url: target.url, authorization: credentials.git }
    return { remote, credentials }
  })

/** How a target gets its version; one of mode `auto` by what its forge is seen to offer now. */
export const howOf = (target: CascadeTarget, credentials: Credentials) =>
  Effect.gen(function* () {
    if (target.mode !== "auto") return target.mode
    const api = yield* ForgeApi
    return (yield* api.offersDispatch(target, credentials.api)) ? ("dispatch" as const) : ("push" as const)
  })

/** A dispatch leaves nothing in the target that could be read: only the record knows of it. */
export const unlessDispatched = (
  judgement: Judgement,
  how: PlanEntry["how"],
  version: string,
  before: { readonly version: string; readonly how: string } | undefined
): Judgement =>
  how === "dispatch" &&
  before?.how === "dispatch" &&
  before.version === version &&
  judgement.intent === "write"
    ? { intent: "up-to-date", reason: "dispatched before, as the record says" }
    : judgement

// --- internal ---

type PlanTargetOptions = PlanOptions & { readonly written: WrittenBefore }

const planTarget = (options: PlanTargetOptions, target: CascadeTarget) => {
  const { config } = options
  const how = target.mode === "dispatch" ? ("dispatch" as const) : ("push" as const)
  const unread = { target, how, current: null, code: null, reason: "", next: "", look: null } as const
  if (!target.enabled) {
    const entry: PlanEntry = { ...unread, intent: "disabled", reason: "enabled = false in the configuration" }
    return Effect.succeed(entry)
  }
  const unreachable = (code: string, reason: string): PlanEntry => ({
    ...unread,
    intent: "unreachable",
    code,
    reason,
    next: nextStepOf(code, target)
  })
  return lookAndJudge(options, target).pipe(
    Effect.catchTag("EmptyRepository", (error) => {
      const entry: PlanEntry = {
        ...unread,
        intent: "not-active",
        code: error._tag,
        reason: reasonOf(error),
        next: nextStepOf(error._tag, target)
      }
      return Effect.succeed(entry)
    }),
    Effect.catchAll((error) => Effect.succeed(unreachable(codeOf(error), reasonOf(error)))),
    Effect.timeoutTo({
      duration: config.targetMillis,
      onSuccess: (entry) => entry,
      onTimeout: () => unreachable("DeadlinePassed", `not read within ${config.targetMillis} ms`)
    })
  )
}

const lookAndJudge = (options: PlanTargetOptions, target: CascadeTarget) =>
  Effect.gen(function* () {
    const { config, version, written } = options
    const memory = yield* HeadMemory
    const { credentials, remote } = yield* remoteOf(config, target)
    const how = yield* howOf(target, credentials)
    const remembered = yield* memory.recall({ target: target.id, file: config.file })
    const before = written.get(target.id)
    const trusted = options.trustMemory === true ? trustedLook(options, target, remembered) : null
    const look =
      trusted ??
      (yield* lookAt({
        config,
        target,
        remote,
        version,
        written: [
          ...(remembered === null ? [] : [remembered.written]),
          ...(before?.how === "push" ? [before.version] : [])
        ],
        wroteBefore: remembered !== null || before?.how === "push",
        remembered
      }))
    const judgement = judge(look, {
      version,
      wroteBefore: remembered !== null || before?.how === "push",
      allowDowngrade: options.allowDowngrade === true,
      overridePins: options.overridePins === true
    })
    const entry: PlanEntry = {
      target,
      how,
      ...unlessDispatched(judgement, how, version, before),
      current: look.current,
      code: null,
      next: nextOf(judgement),
      look
    }
    return entry
  })

const nextOf = ({ intent }: Judgement): string =>
  intent === "pinned" ? "talk to whoever pinned it, or use --override-pins" : ""

/** The look that needs no question: of a branch that is configured, remembered, and to be written. */
const trustedLook = (
  { allowDowngrade, config, version }: PlanTargetOptions,
  target: CascadeTarget,
  remembered: RememberedHead | null
): Look | null => {
  if (remembered === null || target.branch === null || remembered.branch !== target.branch) return null
  if (target.mode !== "push" || remembered.written === version) return null
  const isOlder = compareVersions(version, remembered.written) === -1
  return isOlder && allowDowngrade !== true ? null : lookRemembered(remembered, config.file)
}

const sizeOf = (look: Look | null): number =>
  look === null ? 0 : [...look.view.trees.values()].reduce((sum, tree) => sum + tree.byteLength, 0)
