/**
 * What a person or an agent has decided in the work tree of a conflict.
 *
 * A path is answered when git no longer has it as unmerged (`git add`, `git rm`); its file as it lies there is the answer,
 * read through git's own filters. The work tree's index is not written: a copy of it is.
 */
import { copyFile, lstat } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, nulFieldsOf, textOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import { makeQuarantine } from "../internal/quarantine.ts"
import type { Repository } from "../Repository.ts"
import { contentBytesMax, hasMarkers } from "./Resolution.ts"
import { absentIsNull, fileWork, type OpenConflict } from "./ResolveState.ts"

/** One path's answer: the file, or no file. */
export interface Answer {
  readonly path: string
  readonly result: { readonly oid: ObjectId; readonly mode: string } | null
  /** The bytes of the file; `null` for no file and for a submodule. */
  readonly content: Uint8Array | null
}

const Paths = Schema.Array(Schema.String)

/** The conflict is not resolved yet. Nothing was stored. */
export class ResolveUnfinished extends Schema.TaggedError<ResolveUnfinished>("git/ResolveUnfinished")(
  "ResolveUnfinished",
  {
    directory: Schema.String,
    /** Paths that git still has as unmerged. */
    unmerged: Paths,
    /** Files that still have conflict markers. */
    marked: Paths,
    /** Files that were changed and are not in conflict. */
    changed: Paths,
    /** Files and folders that git does not know, and is not told to ignore: they would go with the work tree. */
    untracked: Paths,
    /** Files over the size that a resolution may have. */
    tooLarge: Paths
  }
) {
  override get message(): string {
    const said = [
      told(this.unmerged, "not marked as resolved (git add, or git rm for no file)"),
      told(this.marked, "still with conflict markers"),
      told(this.changed, "changed, but not in conflict (put it back, and change it on the patch branch)"),
      told(this.untracked, "not known to git, and gone with this folder (move it away, or remove it)"),
      told(this.tooLarge, `larger than ${contentBytesMax} bytes`)
    ].filter((part) => part !== "")
    return `The conflict in ${this.directory} is not resolved: ${said.join("; ")}`
  }
}

/** Reads the answers. `ResolveUnfinished` names everything that is missing, at once. Writes nothing. */
export const readAnswers = Effect.fn("ResolveAnswers.read")(function* (options: {
  readonly repository: Repository
  readonly conflict: OpenConflict
}) {
  return yield* Effect.scoped(readScoped(options))
})

// --- internal ---

const readScoped = (options: { readonly repository: Repository; readonly conflict: OpenConflict }) =>
  Effect.gen(function* () {
    const { conflict, repository } = options
    const { directory } = conflict
    const git = yield* Git
    const plain = (args: ReadonlyArray<string>) => git.run({ args, cwd: directory })
    const unmerged = new Set(
      nulFieldsOf((yield* plain(["ls-files", "-u", "-z"])).stdout).map((line) =>
        line.slice(line.indexOf("\t") + 1)
      )
    )
    const indexFile = textOf(
      (yield* plain(["rev-parse", "--path-format=absolute", "--git-path", "index"])).stdout
    ).replace(/\n$/, "")
    const quarantine = yield* makeQuarantine(repository)
    const copy = join(quarantine.directory, "index")
    yield* fileWork(indexFile, () => copyFile(indexFile, copy))
    const env = { ...quarantine.env, GIT_WORK_TREE: directory, GIT_INDEX_FILE: copy }
    const run = (args: ReadonlyArray<string>, stdin = "", okExitCodes: ReadonlyArray<number> = [0]) =>
      git.run({ args: ["-c", "core.sparseCheckout=false", ...args], cwd: directory, env, stdin, okExitCodes })
    const asked = conflict.files.map(({ path }) => path)
    const present = yield* Effect.forEach(asked, (path) => kindOf(join(directory, path)))
    const named = (kind: "file" | "none") =>
      asked.filter((path, at) => present[at] === kind && !unmerged.has(path)).map((path) => `${path}\0`)
    const gone = named("none").map((path) => `0 ${"0".repeat(conflict.tip.length)} 0\t${path}`)
    yield* run(["update-index", "-z", "--index-info"], gone.join(""))
    yield* run(["update-index", "-z", "--add", "--stdin"], named("file").join(""))
    const entries = parseStaged((yield* run(["ls-files", "-s", "-z"])).stdout)
    const answers = asked.map((path) => ({ path, result: entries.get(path) ?? null }))
    const read = yield* readContents(repository, quarantine.env, conflict, answers)
    const changed = yield* changedPaths(run, conflict, unmerged)
    const missing = {
      unmerged: [...unmerged].sort(),
      marked: read.marked.filter((path) => !unmerged.has(path)),
      changed,
      untracked: nulFieldsOf(
        (yield* run(["ls-files", "--others", "--exclude-standard", "--directory", "-z"])).stdout
      ),
      tooLarge: read.tooLarge
    }
    if (Object.values(missing).some((paths) => paths.length > 0)) {
      return yield* new ResolveUnfinished({ directory, ...missing })
    }
    return read.answers
  })

const told = (paths: ReadonlyArray<string>, what: string): string => {
  const shown = paths.slice(0, 20).join(", ")
  const more = paths.length > 20 ? ` and ${paths.length - 20} more` : ""
  return paths.length === 0 ? "" : `${shown}${more}: ${what}`
}

/** A folder is a submodule's or stands where the file was; the index says which. */
const kindOf = (path: string) =>
  fileWork(path, async () => {
    const stat = await lstat(path).catch(absentIsNull)
    return stat === null ? ("none" as const) : stat.isDirectory() ? ("folder" as const) : ("file" as const)
  })

const parseStaged = (output: Uint8Array) => {
  const entries = new Map<string, { readonly oid: ObjectId; readonly mode: string }>()
  for (const line of nulFieldsOf(output)) {
    const match = /^(\d{6}) ([0-9a-f]+) 0\t(.*)$/s.exec(line)
    const [, mode = "", oid = "", path = ""] = match ?? []
    if (isObjectId(oid)) entries.set(path, { oid, mode })
  }
  return entries
}

const readContents = (
  repository: Repository,
  env: Readonly<Record<string, string>>,
  conflict: OpenConflict,
  answers: ReadonlyArray<Omit<Answer, "content">>
) =>
  Effect.gen(function* () {
    const marked: Array<string> = []
    const tooLarge: Array<string> = []
    const withContent: Array<Answer> = []
    for (const [at, { path, result }] of answers.entries()) {
      if (result === null || result.mode === "160000") {
        withContent.push({ path, result, content: null })
        continue
      }
      const file = conflict.files[at]
      const sides = [file?.base, file?.ours, file?.theirs].flatMap((side) =>
        side === null || side === undefined || side.mode === "160000" ? [] : [side.oid]
      )
      const names = [result.oid, ...sides]
      const sizes = yield* readObjectSizes({ repository, env, names })
      if ((sizes[0]?.size ?? 0) > contentBytesMax) {
        tooLarge.push(path)
        continue
      }
      const small = names.filter((_, which) => (sizes[which]?.size ?? Number.MAX_VALUE) <= contentBytesMax)
      const [content, ...versions] = yield* readObjects({ repository, env, names: small })
      const bytes = content?.content ?? Buffer.alloc(0)
      const contents = versions.flatMap((found) => (found === null ? [] : [found.content]))
      if (hasMarkers(bytes, contents)) marked.push(path)
      withContent.push({ path, result, content: bytes })
    }
    return { answers: withContent, marked, tooLarge }
  })

/** Tracked files that differ from what git left of the merge, in the index or in the folder. */
const changedPaths = (
  run: (
    args: ReadonlyArray<string>,
    stdin?: string,
    okExitCodes?: ReadonlyArray<number>
  ) => Effect.Effect<{ readonly stdout: Uint8Array }, import("../Git.ts").GitError>,
  conflict: OpenConflict,
  unmerged: ReadonlySet<string>
) =>
  Effect.gen(function* () {
    yield* run(["update-index", "-q", "--refresh"], "", [0, 1])
    const flags = ["--name-only", "-z", "--no-renames", "--ignore-submodules=dirty"]
    const staged = yield* run(["diff-index", "--cached", ...flags, conflict.merged, "--"])
    const loose = yield* run(["diff-files", ...flags])
    const asked = new Set(conflict.files.map(({ path }) => path))
    const changed = [...nulFieldsOf(staged.stdout), ...nulFieldsOf(loose.stdout)]
    return [...new Set(changed)].filter((path) => !asked.has(path) && !unmerged.has(path)).sort()
  })
