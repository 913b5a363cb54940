/** One try at one target: look where it is needed, decide, then one push or one dispatch. */
import type { TryOutcome } from "@patchmoi/core/cascade/CascadeFact"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { shortName } from "../GitName.ts"
import { encodeCommitView } from "../transport/CommitView.ts"
import { type CommitView, GitTransport, type TransportTarget } from "../transport/GitTransport.ts"
import type { TransportError } from "../transport/TransportError.ts"
import { commitMessageOf, hasCascadeTrailer } from "./CascadeConfig.ts"
import type { CascadePlan, PlanEntry } from "./CascadePlan.ts"
import { contentOf } from "./CascadeVersion.ts"
import { type DispatchError, ForgeApi } from "./ForgeApi.ts"
import { HeadMemory } from "./HeadMemory.ts"
import { type Judgement, judge } from "./judge.ts"
import { historyCommitsMax, type Look, lookAt } from "./lookAt.ts"
import { howOf, remoteOf, unlessDispatched } from "./plan.ts"
import { codeOf, reasonOf, type TargetUnusable } from "./TargetProblem.ts"

/** What a try came to. */
export interface Tried {
  readonly outcome: TryOutcome
  readonly how: "push" | "dispatch"
  readonly commit: string | null
  readonly code: string | null
  readonly reason: string
  /** Whether another try may do better. */
  readonly again: boolean
  /** Whether something was sent and the answer was lost. */
  readonly isUnknown: boolean
  /** What was found; kept for the next try to know what changed meanwhile. */
  readonly look: Look | null
}

/** What a try starts from. */
export interface TryOptions {
  readonly plan: CascadePlan
  readonly entry: PlanEntry
  /** The try before this one; the first one has the look of the plan. */
  readonly before: Tried | undefined
}

/** Tries once. Never fails. */
export const tryTarget = Effect.fn("Cascade.tryTarget")(function* (options: TryOptions) {
  const { plan } = options
  let { entry } = options
  const { credentials, remote } = yield* remoteOf(plan.config, entry.target)
  const seen = options.before?.look ?? null
  return yield* Effect.gen(function* () {
    // What was out of reach while planning was not asked either what it offers.
    if (entry.look === null) entry = { ...entry, how: yield* howOf(entry.target, credentials) }
    const place = { ...options, entry, remote }
    const isFirst = options.before === undefined && entry.look !== null
    const look = isFirst && entry.look !== null ? entry.look : yield* lookAgain(place)
    const judgement: Judgement = isFirst ? entry : judgeAgain(place, look, seen ?? entry.look)
    if (judgement.intent !== "write" && judgement.intent !== "downgrade") {
      return yield* settledWithout(place, look, judgement)
    }
    if (entry.how === "push") return yield* push(place, look, judgement)
    const api = yield* ForgeApi
    yield* api.dispatch({
      target: entry.target,
      authorization: credentials.api,
      eventType: plan.config.eventType,
      branch: shortName(look.branch),
      payload: { version: plan.version, cascade: plan.config.name }
    })
    return done(entry, "dispatched", look, judgement.reason)
  }).pipe(
    Effect.catchTag("EmptyRepository", (error) =>
      Effect.succeed({ ...done(entry, "not-active", seen, reasonOf(error)), code: error._tag })
    ),
    Effect.catchAll((error) => Effect.succeed(failed(entry, error, seen)))
  )
})

// --- internal ---

interface Place extends TryOptions {
  readonly remote: TransportTarget
}

const lookAgain = ({ before: tried, entry, plan, remote }: Place) => {
  const before = plan.written.get(entry.target.id)
  return lookAt({
    config: plan.config,
    target: entry.target,
    remote,
    version: plan.version,
    written: before?.how === "push" ? [before.version] : [],
    wroteBefore:
      before?.how === "push" || tried?.look?.remembered === true || entry.look?.remembered === true,
    remembered: null
  })
}

const judgeAgain = ({ entry, plan }: TryOptions, look: Look, seen: Look | null): Judgement => {
  const before = plan.written.get(entry.target.id)
  const judgement = judge(look, {
    ...plan.wishes,
    version: plan.version,
    wroteBefore: before?.how === "push" || seen?.remembered === true,
    seen: seen ?? undefined
  })
  return unlessDispatched(judgement, entry.how, plan.version, before)
}

const done = (entry: PlanEntry, outcome: TryOutcome, look: Look | null, reason: string): Tried => ({
  outcome,
  how: entry.how,
  commit: null,
  code: null,
  reason,
  again: false,
  isUnknown: false,
  look
})

/** Another look found that nothing is to be written: because of others, or because the push before was taken after all. */
const settledWithout = ({ before, entry, plan, remote }: Place, look: Look, { intent, reason }: Judgement) =>
  Effect.gen(function* () {
    const outcome: TryOutcome =
      intent === "up-to-date" || intent === "newer" || intent === "pinned" || intent === "not-active"
        ? intent
        : "failed"
    if (outcome === "up-to-date" && look.current === plan.version)
      yield* remember(plan, entry, look.branch, look.view)
    if (outcome !== "up-to-date" || before?.isUnknown !== true) return done(entry, outcome, look, reason)
    const transport = yield* GitTransport
    const change = yield* transport.readLastChange(remote, {
      commit: look.view.commit,
      path: plan.config.file,
      commitsMax: historyCommitsMax
    })
    if (change === null || !hasCascadeTrailer(change.message, plan.config.name)) {
      return done(entry, outcome, look, reason)
    }
    const said = "the answer to the push was lost, and the branch has the commit"
    return { ...done(entry, "written", look, said), commit: change.commit }
  })

const push = ({ entry, plan, remote }: Place, look: Look, judgement: Judgement) =>
  Effect.gen(function* () {
    const { config, version } = plan
    const transport = yield* GitTransport
    const now = yield* Clock.currentTimeMillis
    return yield* transport
      .pushFile(remote, {
        branch: look.branch,
        view: look.view,
        path: config.file,
        content: contentOf(version),
        author: config.author,
        date: Math.floor(now / 1000),
        message: commitMessageOf(config, version)
      })
      .pipe(
        Effect.flatMap(({ commit, view }) =>
          Effect.as(remember(plan, entry, look.branch, view), {
            ...done(entry, "written", look, judgement.reason),
            commit
          })
        ),
        Effect.catchAll((error) => Effect.succeed(failed(entry, error, look)))
      )
  })

const remember = (
  { config, version }: CascadePlan,
  entry: PlanEntry,
  branch: Look["branch"],
  view: CommitView
) =>
  Effect.flatMap(HeadMemory, (memory) =>
    memory.remember(
      { target: entry.target.id, file: config.file },
      { written: version, branch, view: encodeCommitView(view) }
    )
  )

const failed = (
  entry: PlanEntry,
  error: TransportError | TargetUnusable | DispatchError,
  look: Look | null
): Tried => {
  const raced = error._tag === "StaleHead" || error._tag === "NotFastForward"
  const isUnknown = "afterSend" in error && error.afterSend
  return {
    outcome: raced ? "raced" : "failed",
    how: entry.how,
    commit: null,
    code: codeOf(error),
    reason: reasonOf(error),
    again: raced || isPassing(error),
    isUnknown,
    look
  }
}

/** Whether the same may go well a moment later. */
const isPassing = (error: { readonly _tag: string }): boolean => {
  if (error._tag === "Unreachable" || error._tag === "ProtocolBroken") return true
  if (error._tag !== "HttpStatus" || !("status" in error) || typeof error.status !== "number") return false
  // 403 is here what GitHub says to whoever asks too often; any other one is `AuthenticationFailed`.
  return error.status >= 500 || [403, 408, 429].includes(error.status)
}
