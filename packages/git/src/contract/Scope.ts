/**
 * Whether patches stay within the scope that their contracts give them.
 *
 * - A glob is stale when it meets no path that the patch changes and none of upstream's tree: what it spoke of has moved.
 * - A path is outside when the patch changes it and no glob of its contract meets it. Without a scope, nothing is outside.
 * - A patch that brings a `patches.toml` at the top of the tree would ship its contract with the fork.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Git } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import { readTreeChanges } from "../internal/treeChanges.ts"
import { readTrees } from "../internal/trees.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import { contractFileName } from "./ContractFile.ts"
import type { PatchContract } from "./PatchContract.ts"
import { type PathGlob, parseGlob } from "./PathGlob.ts"

/** Paths that one issue names. The rest is counted. */
export const scopePathsMax = 20

/** Bytes of the listing of upstream's paths. */
const listingBytesMax = 256 * 1024 * 1024

/** One thing that does not fit the scope of a patch. */
export const ScopeIssue = Schema.Struct({
  patch: Schema.String,
  kind: Schema.Literal("stale-scope", "outside-scope", "contract-in-patch"),
  /** The stale glob; `null` for the other kinds. */
  glob: Schema.NullOr(Schema.String),
  /** Paths outside, at most `scopePathsMax`; bytes that are no UTF-8 are replaced. */
  paths: Schema.Array(Schema.String),
  pathsOmitted: Schema.Int
})
export type ScopeIssue = typeof ScopeIssue.Type

/** Every issue, patch by patch. `GitError` when git fails, for instance because trees of a partial clone are missing. */
export const checkScopes = Effect.fn("Scope.check")(function* (options: {
  readonly repository: Repository
  /** The upstream commit whose tree globs may speak of. */
  readonly upstream: ObjectId
  readonly patches: ReadonlyArray<PlannedPatch>
  readonly contracts: ReadonlyMap<string, PatchContract>
}) {
  const { repository, patches } = options
  const commits = patches.flatMap(({ base, tip }) => [base, tip])
  const trees = yield* readTrees({ repository, commits })
  // A shallow clone may lack the commit that a patch stands on; such a patch is left to the rebuild, which refuses it.
  const readable = patches.flatMap(({ name, base, tip }) => {
    const [from, to] = [trees.get(base), trees.get(tip)]
    return from === undefined || to === undefined ? [] : [{ name, from, to }]
  })
  const changes = yield* readTreeChanges({ repository, pairs: readable })
  const checked = readable.map(({ name }, at) => {
    const changed = changes[at] ?? []
    const globs = globsOf(options.contracts.get(name)?.scope ?? [])
    const unmet = globs.filter((glob) => !changed.some(({ path }) => glob.matches(path)))
    return { patch: name, changed, globs, unmet }
  })
  const stale = yield* unmetUpstream({ ...options, globs: checked.flatMap(({ unmet }) => unmet) })
  return checked.flatMap(({ patch, changed, globs, unmet }): ReadonlyArray<ScopeIssue> => {
    const outside =
      globs.length === 0
        ? []
        : changed.filter(({ path }) => !globs.some((glob) => glob.matches(path))).map(({ path }) => path)
    const ships = changed.filter(({ path, to }) => to !== null && path.equals(contractFile))
    return [
      ...unmet.filter((glob) => stale.has(glob)).map((glob) => issueOf(patch, "stale-scope", [], glob.text)),
      ...(outside.length === 0 ? [] : [issueOf(patch, "outside-scope", outside)]),
      ...(ships.length === 0 ? [] : [issueOf(patch, "contract-in-patch", [contractFile])])
    ]
  })
})

// --- internal ---

const contractFile = Buffer.from(contractFileName)

const globsOf = (scope: ReadonlyArray<string>): ReadonlyArray<PathGlob> =>
  scope.flatMap((text) => Either.match(parseGlob(text), { onLeft: () => [], onRight: (glob) => [glob] }))

const issueOf = (
  patch: string,
  kind: ScopeIssue["kind"],
  paths: ReadonlyArray<Buffer>,
  glob: string | null = null
): ScopeIssue => ({
  patch,
  kind,
  glob,
  paths: paths.slice(0, scopePathsMax).map((path) => path.toString("utf8")),
  pathsOmitted: Math.max(0, paths.length - scopePathsMax)
})

/** The globs that meet no path of upstream's tree. The tree is listed only when there is a glob to look for. */
const unmetUpstream = (options: {
  readonly repository: Repository
  readonly upstream: ObjectId
  readonly globs: ReadonlyArray<PathGlob>
}) =>
  Effect.gen(function* () {
    const unmet = new Set(options.globs)
    if (unmet.size === 0) return unmet
    const git = yield* Git
    const listing = yield* git.run({
      args: ["ls-tree", "-r", "-z", "--name-only", "--full-tree", options.upstream],
      cwd: options.repository.directory,
      outputBytesMax: listingBytesMax
    })
    const bytes = Buffer.from(listing.stdout.buffer, listing.stdout.byteOffset, listing.stdout.byteLength)
    for (let at = 0; at < bytes.length && unmet.size > 0; ) {
      const end = bytes.indexOf(0, at)
      const path = bytes.subarray(at, end < 0 ? bytes.length : end)
      for (const glob of unmet) if (glob.matches(path)) unmet.delete(glob)
      at += path.length + 1
    }
    return unmet
  })
