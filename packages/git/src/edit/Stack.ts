/** The stack that is edited: its patches, what bounds them from below, and the rules that every edit keeps. */
import { nearest } from "@patchmoi/core/nearest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { boundsOf } from "../contract/StackReport.ts"
import { Git, linesOf } from "../Git.ts"
import { type ObjectId, parseBranch, parseRef, type RefName, shortName } from "../GitName.ts"
import { type PatchBranch, type PlannedPatch, planPatches } from "../patch/PatchPlan.ts"
import type { RefUpdate } from "../RefTransaction.ts"
import { type Repository, readRef, readRefs, resolveCommit } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { EditRefused } from "./EditRefused.ts"

/** No upstream is known, so that nobody can tell which commits are the patches'. Nothing was moved. */
export class UpstreamUnknown extends Schema.TaggedError<UpstreamUnknown>("git/UpstreamUnknown")(
  "UpstreamUnknown",
  { ref: Schema.String }
) {
  override get message(): string {
    return `${shortName(this.ref)} is not known here, and without it nobody can tell which commits are the patches' own; fetch it (see: patchmoi patch doctor)`
  }
}

/** No patch branch has that name. Nothing was moved. */
export class PatchNotFound extends Schema.TaggedError<PatchNotFound>("git/PatchNotFound")("PatchNotFound", {
  name: Schema.String,
  nearest: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    const meant = this.nearest === null ? "see: patchmoi patch list" : `did you mean ${this.nearest}?`
    return `There is no patch ${JSON.stringify(this.name.slice(0, 200))}; ${meant}`
  }
}

/** A stack as it is read once for an edit. */
export interface Stack {
  readonly repository: Repository
  /** What names of patch branches begin with; ends with a slash. */
  readonly prefix: string
  /** The maintained branch, and where it points. */
  readonly target: Topology["target"]
  /** The upstream commit. */
  readonly onto: ObjectId
  /** All commits that bound the patches from below. */
  readonly upstream: ReadonlyArray<ObjectId>
  /** The patch branches in their order. */
  readonly patches: ReadonlyArray<PatchBranch>
}

/** Reads the stack of a topology. `UpstreamUnknown`, `GitError`. */
export const readStack = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly topology: Topology
}) {
  const { repository, topology } = options
  const onto = topology.upstream.commit
  if (onto === null) return yield* new UpstreamUnknown({ ref: topology.upstream.ref })
  const upstream = yield* boundsOf({ repository, topology, onto })
  const { patchPrefix: prefix, patches, target } = topology
  const stack: Stack = { repository, prefix, target, onto, upstream, patches }
  return stack
})

/** The commits of each patch. Fails as `planPatches` does. */
export const planStack = (stack: Stack, patches: ReadonlyArray<PatchBranch> = stack.patches) =>
  planPatches({ repository: stack.repository, upstream: stack.upstream, patches: inOrder(patches) })

/** The patches in the order of their names, as a rebuild applies them. */
export const inOrder = (patches: ReadonlyArray<PatchBranch>): ReadonlyArray<PatchBranch> =>
  [...patches].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))

/** The patch of that name, with or without the prefix. `PatchNotFound` with the nearest name. */
export const findPatch = <Patch extends PatchBranch>(
  patches: ReadonlyArray<Patch>,
  prefix: string,
  name: string
): Effect.Effect<Patch, PatchNotFound> => {
  const found =
    patches.find((patch) => patch.name === name) ?? patches.find((patch) => patch.name === `${prefix}${name}`)
  if (found !== undefined) return Effect.succeed(found)
  const known = patches.map((patch) => patch.name)
  const meant = nearest(name, known) ?? nearest(`${prefix}${name}`, known) ?? null
  return Effect.fail(new PatchNotFound({ name, nearest: meant }))
}

/** The name of a patch branch that a person typed: the prefix is added where it is missing. `InvalidName`. */
export const patchNameOf = (prefix: string, text: string) =>
  Effect.map(parseBranch(text.startsWith(prefix) ? text : `${prefix}${text}`), shortName)

/** The full ref of a patch branch. */
export const refOfPatch = (name: string) => parseRef(`refs/heads/${name}`)

/** The update that keeps a commit under `refs/patchmoi/<place>/<name>/<commit>`, so that it is never lost. */
export const keepCommit = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly place: "before" | "dropped"
  readonly patch: PatchBranch
  /** What the ref points to. (Default: what it points to already, which may tell more, else the tip.) */
  readonly object?: ObjectId
}) {
  const { repository, place, patch } = given
  const ref = yield* parseRef(`refs/patchmoi/${place}/${patch.name}/${patch.tip}`)
  const expected = yield* readRef({ repository, ref })
  // What is there already stays only if it leads to the commit; its name alone proves nothing.
  const leads =
    expected !== null &&
    (yield* Effect.orElseSucceed(resolveCommit({ repository, revision: ref }), () => null)) === patch.tip
  const update: RefUpdate = { ref, expected, next: given.object ?? (leads ? expected : patch.tip) }
  return update
})

/**
 * Refuses branches that git could not make or that stand for others: a name that is taken, a name below or above that of
 * another branch or of another new one, a symbolic ref.
 */
export const refuseClashes = Effect.fnUntraced(function* (given: {
  readonly action: EditRefused["action"]
  readonly repository: Repository
  /** Branches that are to be made. */
  readonly created: ReadonlyArray<RefName>
  /** Branches that are to be moved or removed. */
  readonly changed: ReadonlyArray<RefName>
}) {
  const { action, repository, created, changed } = given
  const refuse = (reason: EditRefused["reason"], detail: string) =>
    new EditRefused({ action, reason, detail })
  const above = created.flatMap((ref) => foldersOf(ref))
  const patterns = [...new Set([...created, ...above])]
  const found = patterns.length === 0 ? new Map() : yield* readRefs({ repository, patterns })
  for (const ref of created) {
    if (found.has(ref)) return yield* refuse("exists", `the branch ${shortName(ref)} exists`)
    const clash = [...found.keys(), ...created].find(
      (other: string) => ref.startsWith(`${other}/`) || other.startsWith(`${ref}/`)
    )
    if (clash !== undefined) {
      const detail = `${shortName(ref)} cannot be made while there is the branch ${shortName(clash)}`
      return yield* refuse("name-clash", detail)
    }
  }
  const symbolic = yield* readSymbolic(repository, changed)
  if (symbolic !== undefined) return yield* refuse("symbolic", `${shortName(symbolic)} is a symbolic ref`)
})

/** Patches whose own commits are not the same any more: what they would bring has changed, not only where it stands. */
export const changedOwners = (
  before: ReadonlyArray<PlannedPatch>,
  after: ReadonlyArray<PlannedPatch>
): ReadonlyArray<string> => {
  const commitsOf = (patch: PlannedPatch) => patch.commits.join(" ")
  const known = new Map(before.map((patch) => [patch.tip, commitsOf(patch)]))
  return after.flatMap((patch) => {
    const had = known.get(patch.tip)
    return had === undefined || had === commitsOf(patch) ? [] : [patch.name]
  })
}

// --- internal ---

/** The refs that would have to be folders: `refs/heads/a` for `refs/heads/a/b`. */
const foldersOf = (ref: string): ReadonlyArray<string> => {
  const parts = ref.split("/")
  return parts.slice(3).map((_, at) => parts.slice(0, at + 3).join("/"))
}

const readSymbolic = (repository: Repository, refs: ReadonlyArray<RefName>) =>
  Effect.gen(function* () {
    if (refs.length === 0) return undefined
    const git = yield* Git
    const output = yield* git.run({
      args: ["for-each-ref", "--format=%(if)%(symref)%(then)%(refname)%(end)", "--", ...refs],
      cwd: repository.directory
    })
    return linesOf(output.stdout).find((line) => refs.some((ref) => ref === line))
  })
