/** What a candidate stands on and what its patches are: by its proof, else by its history above upstream. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AppliedTip } from "../check/CandidateChecks.ts"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { StackTooLong, stackCommitsMax } from "../patch/PatchPlan.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { readProof } from "./CandidateNotes.ts"

/** A stack from the bottom. */
export interface CandidateStack {
  /** The upstream commit. */
  readonly upstream: ObjectId
  readonly tip: ObjectId
  readonly applied: ReadonlyArray<AppliedTip>
  /** `history`: there is no proof, and each commit counts as a patch unless its trailer `Patchmoi-Patch` names one. */
  readonly source: "proof" | "history"
}

/** No commit below the candidate is known to be upstream's. Nothing was done. */
export class StackWithoutUpstream extends Schema.TaggedError<StackWithoutUpstream>(
  "git/StackWithoutUpstream"
)("StackWithoutUpstream", { revision: Schema.String }) {
  override get message(): string {
    return `${this.revision} has no proof, and no commit below it is known to be upstream's; fetch upstream first`
  }
}

/**
 * Finds the stack. `upstream` holds commits that are known to be upstream's; they count only without a proof.
 *
 * `InvalidName`, `RevisionNotFound`, `NoteUnreadable`, `StackWithoutUpstream`, `StackTooLong`, `GitError`.
 */
export const readStack = Effect.fn("CandidateStack.read")(function* (options: {
  readonly repository: Repository
  readonly revision: string
  readonly upstream: ReadonlyArray<ObjectId>
}) {
  const { repository } = options
  const tip = yield* resolveCommit(options)
  const proof = yield* readProof({ repository, commit: tip })
  if (proof !== null && proof.candidate === tip) {
    const { applied, inputs } = proof
    return { upstream: inputs.onto, tip, applied, source: "proof" } satisfies CandidateStack as CandidateStack
  }
  const git = yield* Git
  const output = yield* git.run({
    args: [
      "log",
      "--first-parent",
      "--reverse",
      `--max-count=${stackCommitsMax + 1}`,
      "--format=%H%x09%P%x09%(trailers:key=Patchmoi-Patch,valueonly,separator=%x2C)",
      "--stdin"
    ],
    cwd: repository.directory,
    stdin: `${[tip, ...options.upstream.map((commit) => `^${commit}`)].join("\n")}\n`
  })
  const commits = linesOf(output.stdout).map((line) => line.split("\t"))
  if (commits.length > stackCommitsMax) return yield* new StackTooLong({ commitsMax: stackCommitsMax })
  const [, parents = ""] = commits[0] ?? ["", tip]
  const upstream = parents.split(" ")[0] ?? ""
  if (!isObjectId(upstream) || options.upstream.length === 0) {
    return yield* new StackWithoutUpstream({ revision: options.revision })
  }
  const stack: CandidateStack = { upstream, tip, applied: byPatch(commits), source: "history" }
  return stack
})

// --- internal ---

/** Commits in a row that name the same patch are one. */
const byPatch = (commits: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<AppliedTip> => {
  const applied: Array<AppliedTip> = []
  for (const [commit = "", , trailer = ""] of commits) {
    if (!isObjectId(commit)) continue
    const patch = trailer === "" ? commit.slice(0, 12) : trailer
    if (applied.at(-1)?.patch === patch) applied.pop()
    applied.push({ patch, tip: commit })
  }
  return applied
}
