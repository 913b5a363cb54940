/**
 * Publishing a candidate as it was planned: all refs in one push that the server carries out as a whole or not at all.
 *
 * 1. Every ref has an exact lease, also those that are to stay: a remote that is not what the plan saw refuses the whole push.
 * 2. Where the server has no atomic pushes, nothing is sent, and every ref says so. There is no second best.
 * 3. Carrying a plan out twice does nothing the second time; what a crash left undone, the next run finishes.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, type GitOutput } from "../Git.ts"
import { parseRemote, RefName } from "../GitName.ts"
import { notAsMirror, pushLineOf, saysMoved, serverWords } from "../internal/pushReport.ts"
import { Declined, Pushed, Stale, Unreachable, UpToDate } from "../Push.ts"
import { moveRefs } from "../RefTransaction.ts"
import { listRemoteRefs, remoteTimeoutMillisDefault } from "../Remote.ts"
import { type Repository, readRef } from "../Repository.ts"
import type { Restrictions } from "../topology/OperatorPolicy.ts"
import type { PlannedRef } from "./PlannedRef.ts"
import { PublishPlan, pushUrlOf, RemoteElsewhere } from "./PublishPlan.ts"
import { checkPolicy, type PublishPolicy } from "./PublishPolicy.ts"
import { pushedRefOf } from "./planBranch.ts"
import { refuseUpstreamCommit, refuseUpstreamNames } from "./upstreamNames.ts"

/** The ref was in order, and stays as it was because another ref of the same push was refused. */
export const Withheld = Schema.TaggedStruct("Withheld", { ref: RefName })
/** The server has no atomic pushes. Nothing was sent. */
export const AtomicUnsupported = Schema.TaggedStruct("AtomicUnsupported", { ref: RefName })

/** What became of one ref. After `Unreachable` it is unknown whether the refs moved; plan again to see. */
export const PublishOutcome = Schema.Union(
  Pushed,
  UpToDate,
  Stale,
  Declined,
  Unreachable,
  Withheld,
  AtomicUnsupported
)
export type PublishOutcome = typeof PublishOutcome.Type

/** What `applyPublish` came to, ref by ref. A server that refuses the push, or does not answer, is no error. */
export const PublishResult = Schema.Struct({
  plan: PublishPlan,
  /** True when every ref at the remote is what the plan says. False: none has moved, unless one is `Unreachable`. */
  published: Schema.Boolean,
  /** One for each ref of the plan, in its order. */
  outcomes: Schema.Array(PublishOutcome)
})
export type PublishResult = typeof PublishResult.Type

/**
 * Carries the plan out. What the server says is an outcome.
 *
 * Errors, nothing sent: `PlanAltered`, `PublishForbidden`, `ApprovalMissing`, `ForeignWork`, `RemoteElsewhere`,
 * `PublishedRefIsUpstreamTag`, `CommitIsUpstreams`, `NoteUnreadable`, `RemoteUnreachable` (upstream's tags could not be read),
 * `InvalidName`, `GitError` (git did not start). `StaleRef`: published, and another process wrote down its own push at the same time.
 */
export const applyPublish = Effect.fn("Publish.apply")(function* (options: {
  readonly repository: Repository
  readonly plan: PublishPlan
  readonly policy: PublishPolicy
  readonly restrictions: Restrictions
  /** The full ref of the maintained branch. */
  readonly maintained: RefName
  /** Id of the plan that somebody approved. (Default: nobody did.) */
  readonly approved?: string
  /** Time of the push; each question to a remote around it has 10 minutes of its own. (Default: 10 minutes.) */
  readonly timeoutMillis?: number
}) {
  const { plan, repository } = options
  yield* checkPolicy({ ...options, approved: options.approved ?? null })
  const remote = yield* parseRemote(plan.remote)
  const upstreamRemote = plan.upstreamRemote === null ? null : yield* parseRemote(plan.upstreamRemote)
  const found = yield* pushUrlOf(repository, remote).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "exit",
      () => Effect.succeed("nowhere")
    )
  )
  if (found !== plan.url) return yield* new RemoteElsewhere({ remote, planned: plan.url, found })
  // The plan may be old: upstream may have made a tag of the name since.
  yield* refuseUpstreamNames({ repository, upstreamRemote, refs: plan.refs.map(({ ref }) => ref) })
  for (const { kind, ref } of plan.refs) {
    if (kind === "tag") yield* refuseUpstreamCommit({ repository, upstreamRemote, ref, commit: plan.commit })
  }
  const outcomes = yield* push(repository, plan, options.timeoutMillis ?? remoteTimeoutMillisDefault)
  const published = outcomes.every(({ _tag }) => _tag === "Pushed" || _tag === "UpToDate")
  if (published) {
    for (const { kind, next, ref } of plan.refs) {
      if (kind !== "branch") continue
      const record = yield* pushedRefOf(remote, ref)
      const update = { ref: record, expected: yield* readRef({ repository, ref: record }), next }
      yield* moveRefs({ repository, updates: [update], reason: `patchmoi: published to ${remote}` })
    }
  }
  const result: PublishResult = { plan, published, outcomes }
  return result
})

// --- internal ---

const push = (repository: Repository, plan: PublishPlan, timeout: number) =>
  Effect.gen(function* () {
    const git = yield* Git
    const command = {
      args: [
        ...notAsMirror(plan.remote),
        "push",
        "--porcelain",
        "--atomic",
        "--no-follow-tags",
        "--recurse-submodules=no",
        ...plan.refs.map(({ expected, ref }) => `--force-with-lease=${ref}:${expected ?? ""}`),
        "--end-of-options",
        plan.remote,
        ...plan.refs.map(({ next, ref }) => `${next}:${ref}`)
      ],
      cwd: repository.directory,
      timeout,
      okExitCodes: [0, 1, 128]
    }
    const allAre = (of: (ref: RefName) => PublishOutcome) => plan.refs.map(({ ref }) => of(ref))
    const outcomes = yield* git.run(command).pipe(
      Effect.map((output) =>
        /does not support --atomic/.test(output.stderr)
          ? allAre((ref) => AtomicUnsupported.make({ ref }))
          : plan.refs.map((planned) => readOutcome(output, planned))
      ),
      Effect.catchTag("GitError", (error) =>
        error.reason === "timeout"
          ? Effect.succeed(allAre((ref) => Unreachable.make({ ref, message: "the push was over its time" })))
          : Effect.fail(error)
      )
    )
    const isRefused = outcomes.some(({ _tag }) => _tag === "Stale" || _tag === "Withheld")
    return isRefused ? yield* withActual(repository, plan, outcomes) : outcomes
  })

const readOutcome = (output: GitOutput, { expected, next, ref }: PlannedRef): PublishOutcome => {
  const line = pushLineOf(output, ref)
  if (line === null) return Unreachable.make({ ref, message: serverWords(output.stderr) })
  if (line.flag === "=") return UpToDate.make({ ref, commit: next })
  if (line.flag !== "!") return Pushed.make({ ref, commit: next })
  if (/atomic push fail|atomic transaction failed/.test(line.summary)) return Withheld.make({ ref })
  return saysMoved(line.summary)
    ? Stale.make({ ref, expected, actual: null })
    : Declined.make({ ref, message: serverWords(`${line.summary}\n${output.stderr}`) })
}

/** Looks which refs have moved: a server that undoes a whole push does not say for which of them. */
const withActual = (repository: Repository, plan: PublishPlan, outcomes: ReadonlyArray<PublishOutcome>) =>
  listRemoteRefs({ repository, remote: plan.remote, patterns: plan.refs.map(({ ref }) => ref) }).pipe(
    Effect.map((refs) =>
      outcomes.map((outcome, at): PublishOutcome => {
        if (outcome._tag !== "Stale" && outcome._tag !== "Withheld") return outcome
        const { ref } = outcome
        const expected = plan.refs[at]?.expected ?? null
        const actual = refs.get(ref) ?? null
        return outcome._tag === "Stale" || actual !== expected
          ? Stale.make({ ref, expected, actual })
          : outcome
      })
    ),
    Effect.catchTag("RemoteUnreachable", () => Effect.succeed(outcomes))
  )
