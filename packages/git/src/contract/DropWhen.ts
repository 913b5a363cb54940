/**
 * When a patch may go, as its contract says it (`Patchmoi-Drop-When:`).
 *
 * - `tag:<name or glob>`: upstream's history has a tag of that name. `*` and `?` stand for characters.
 * - `tag:<version>`, a version such as `2.1` or `v2.1.0`: it has a tag of that version or of a later one.
 * - `commit:<id>`: it has that commit. The id is written in full.
 * - `contains:<path>`: the tree has that file or folder.
 *
 * "It" is the upstream commit that the patches go onto. What is not known here is not reached.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import type { Repository } from "../Repository.ts"
import { parseGlob } from "./PathGlob.ts"

/** A condition that was read. */
export type DropWhen =
  | { readonly kind: "tag"; readonly tag: string }
  | { readonly kind: "commit"; readonly commitId: ObjectId }
  | { readonly kind: "contains"; readonly path: string }

/** Whether a condition holds, and by what. */
export interface DropWhenAnswer {
  readonly reached: boolean
  /** For people: what was found, or what is missing. */
  readonly detail: string
}

/** Reads a condition. Left: what is expected instead. */
export const parseDropWhen = (text: string): Either.Either<DropWhen, string> => {
  const colon = text.indexOf(":")
  const kind = colon < 0 ? text : text.slice(0, colon)
  const value = colon < 0 ? "" : text.slice(colon + 1).trim()
  if (value === "" || !["tag", "commit", "contains"].includes(kind)) return Either.left(forms)
  if (kind === "tag") {
    return Either.isRight(parseGlob(value))
      ? Either.right({ kind, tag: value })
      : Either.left("tag: and the name of a tag, a glob or a version")
  }
  if (kind === "commit") {
    return isObjectId(value)
      ? Either.right({ kind, commitId: value })
      : Either.left("commit: and a full commit id, 40 or 64 hex digits")
  }
  const path = value.replace(/\/$/, "")
  return Either.isRight(parseGlob(path))
    ? Either.right({ kind: "contains", path })
    : Either.left("contains: and a path from the top of the tree")
}

/** Tells whether the condition holds for the upstream commit. `GitError` when git fails. */
export const dropWhenReached = Effect.fn("DropWhen.reached")(function* (options: {
  readonly repository: Repository
  /** The upstream commit that the patches go onto. */
  readonly onto: ObjectId
  /** A text that `parseDropWhen` takes, as in `PatchContract.dropWhen`. Another one is never reached. */
  readonly dropWhen: string
}) {
  const condition = parseDropWhen(options.dropWhen)
  if (Either.isLeft(condition)) return answer(false, `expected ${condition.left}`)
  const given = { repository: options.repository, onto: options.onto }
  switch (condition.right.kind) {
    case "tag":
      return yield* tagReached({ ...given, tag: condition.right.tag })
    case "commit":
      return yield* commitReached({ ...given, commitId: condition.right.commitId })
    case "contains":
      return yield* pathReached({ ...given, path: condition.right.path })
  }
})

// --- internal ---

const forms = "tag:<name, glob or version>, commit:<full id> or contains:<path>"

const answer = (reached: boolean, detail: string): DropWhenAnswer => ({ reached, detail })

interface Given {
  readonly repository: Repository
  readonly onto: ObjectId
}

const tagReached = (given: Given & { readonly tag: string }) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: [
        "for-each-ref",
        `--merged=${given.onto}`,
        "--format=%(refname)",
        "--",
        "refs/tags/",
        "refs/patchmoi/tags/"
      ],
      cwd: given.repository.directory
    })
    const met = meets(given.tag)
    const names = linesOf(output.stdout).map(tagName)
    const found = names.find(met)
    return found === undefined
      ? answer(false, `upstream has no tag ${given.tag} yet`)
      : answer(true, `upstream has the tag ${found}`)
  })

/** The tag's own name, from `refs/tags/<name>` or `refs/patchmoi/tags/<remote>/<name>`. */
const tagName = (ref: string): string => ref.replace(/^refs\/(?:tags|patchmoi\/tags\/[^/]+)\//, "")

const meets = (wanted: string): ((name: string) => boolean) => {
  if (/[*?]/.test(wanted)) {
    const glob = Either.getOrNull(parseGlob(wanted))
    return (name) => glob?.matches(Buffer.from(name)) === true
  }
  const least = versionOf(wanted)
  return (name) => {
    if (name === wanted) return true
    const version = versionOf(name)
    return least !== null && version !== null && isAtLeast(version, least)
  }
}

/** A release's numbers; `null` for a pre-release and for anything else that is not a version. */
const versionOf = (name: string): ReadonlyArray<number> | null =>
  /^v?\d{1,9}(?:\.\d{1,9}){1,3}$/.test(name) ? name.replace(/^v/, "").split(".").map(Number) : null

const isAtLeast = (version: ReadonlyArray<number>, least: ReadonlyArray<number>): boolean => {
  for (let at = 0; at < Math.max(version.length, least.length); at++) {
    const difference = (version[at] ?? 0) - (least[at] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

const commitReached = ({ repository, onto, commitId }: Given & { readonly commitId: ObjectId }) =>
  Effect.gen(function* () {
    const git = yield* Git
    const [known] = yield* readObjectSizes({ repository, names: [commitId] })
    if (known?.type !== "commit") return answer(false, `the commit ${commitId} is not known here`)
    const output = yield* git.run({
      args: ["merge-base", "--is-ancestor", "--end-of-options", commitId, onto],
      cwd: repository.directory,
      okExitCodes: [0, 1]
    })
    return output.exitCode === 0
      ? answer(true, `upstream has the commit ${commitId}`)
      : answer(false, `upstream does not have the commit ${commitId} yet`)
  })

const pathReached = ({ repository, onto, path }: Given & { readonly path: string }) =>
  Effect.gen(function* () {
    const [found] = yield* readObjectSizes({ repository, names: [`${onto}:${path}`] })
    return found === null || found === undefined
      ? answer(false, `upstream's tree has no ${path} yet`)
      : answer(true, `upstream's tree has ${path}`)
  })
