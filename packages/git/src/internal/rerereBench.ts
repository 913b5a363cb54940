/**
 * A repository of its own in a temporary folder, on which `git rerere` runs: it sees the objects of the real one and nothing
 * else of it. Git reads the file from the folder in which it runs and keeps its memory in the git folder, so both are ours.
 */
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile
} from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import type { ConflictSide } from "../patch/Conflict.ts"
import { QuarantineError } from "../patch/QuarantineError.ts"
import type { Repository } from "../Repository.ts"
import { frame, objectIdOf } from "./objectFormat.ts"

/** The ways in which git writes a conflict; the first one is its default. */
export const conflictStyles = ["merge", "diff3", "zdiff3"] as const
export type ConflictStyle = (typeof conflictStyles)[number]

/** Largest file of rr-cache that is read, in bytes: 32 MiB. */
const imageBytesMax = 32 * 1024 * 1024

interface ThreeSides {
  readonly base: ConflictSide | null
  readonly ours: ConflictSide | null
  readonly theirs: ConflictSide | null
}

/** A decision that git replayed. */
export interface Replayed {
  readonly content: Buffer
  readonly oid: string
  /** When it was written, in seconds since 1970. */
  readonly date: number
}

/** Makes the bench, gives it to the work, and removes it. */
export const withBench = <A, E, R>(
  repository: Repository,
  use: (bench: RerereBench) => Effect.Effect<A, E, R>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const home = yield* Effect.acquireRelease(
        fileWork(tmpdir(), async () => realpath(await mkdtemp(join(tmpdir(), "patchmoi-rerere-")))),
        (created) => Effect.promise(() => rm(created, { recursive: true, force: true }))
      )
      return yield* use(yield* makeBench(repository, home))
    })
  )

/** The bench. One conflict at a time. */
export type RerereBench = Effect.Effect.Success<ReturnType<typeof makeBench>>

// --- internal ---

const fileName = "file"

const fileWork = <A>(directory: string, work: () => Promise<A>) =>
  Effect.tryPromise({
    try: work,
    catch: (cause) =>
      new QuarantineError({
        operation: "write",
        directory,
        detail: cause instanceof Error ? cause.message : String(cause)
      })
  })

const makeBench = (repository: Repository, home: string) =>
  Effect.gen(function* () {
    const git = yield* Git
    const gitDirectory = join(home, "git")
    const work = join(home, "work")
    const memory = join(gitDirectory, "rr-cache")
    const file = join(work, fileName)
    const env = { GIT_DIR: gitDirectory, GIT_WORK_TREE: work }
    const settings = [
      "rerere.enabled=true",
      "rerere.autoUpdate=false",
      "core.autocrlf=false",
      "core.bare=false"
    ]
    const run = (args: ReadonlyArray<string>, stdin = "") =>
      git.run({ args: [...settings.flatMap((each) => ["-c", each]), ...args], cwd: work, env, stdin })
    yield* fileWork(work, () => mkdir(work))
    const init = ["init", "--quiet", "--bare", "--template=", `--object-format=${repository.objectFormat}`]
    yield* git.run({ args: [...init, gitDirectory], cwd: home })
    const alternate = `"${repository.objectDirectory.replace(/[\\"]/g, "\\$&")}"\n`
    yield* fileWork(gitDirectory, async () => {
      await mkdir(join(gitDirectory, "objects", "info"), { recursive: true })
      await writeFile(join(gitDirectory, "objects", "info", "alternates"), alternate)
    })
    /** Lets git write the conflict into the file, as a rebase would. Gives false when it is no conflict of text. */
    const lay = (sides: ThreeSides, style: ConflictStyle) =>
      Effect.gen(function* () {
        yield* fileWork(gitDirectory, async () => {
          for (const name of ["index", "MERGE_RR"]) await rm(join(gitDirectory, name), { force: true })
          await rm(file, { force: true })
        })
        const lines = [sides.base, sides.ours, sides.theirs].map(
          (side, at) => `100644 ${side?.oid ?? ""} ${at + 1}\t${fileName}\0`
        )
        yield* run(["update-index", "-z", "--index-info"], lines.join(""))
        yield* run(["checkout", `--conflict=${style}`, "--", fileName])
      })
    return {
      /** Lets git name the conflict. `null` when it has no name for it: a binary, or a version that is not here. */
      preimage: (sides: ThreeSides, style: ConflictStyle) =>
        Effect.gen(function* () {
          yield* fileWork(memory, () => rm(memory, { recursive: true, force: true }))
          yield* fileWork(memory, () => mkdir(memory))
          yield* lay(sides, style)
          yield* run(["rerere"])
          const [entry] = yield* fileWork(memory, () => readdir(memory))
          return entry !== undefined && /^[0-9a-f]{40,64}$/.test(entry) ? entry : null
        }).pipe(Effect.catchTag("GitError", () => Effect.succeed(null))),
      /** Records the content as the answer to the conflict that was named last, and tells whether git took it. */
      record: (entry: string, content: Uint8Array) =>
        Effect.gen(function* () {
          yield* fileWork(file, () => writeFile(file, content))
          yield* run(["rerere"])
          return (yield* readImage(join(memory, entry, "postimage"))) !== null
        }),
      /** Whether the folder holds a decision already. */
      isKnown: (folder: string) =>
        Effect.map(readImage(join(folder, "postimage")), (found) => found !== null),
      /** Puts the recorded entry into the folder. The postimage comes last: it makes the entry count. */
      copyOut: (entry: string, folder: string) =>
        fileWork(folder, async () => {
          await mkdir(folder, { recursive: true })
          for (const name of ["preimage", "postimage"]) {
            const partial = join(folder, `${name}.patchmoi-${process.pid}`)
            await copyFile(join(memory, entry, name), partial)
            await rename(partial, join(folder, name))
          }
        }),
      /** Lets git replay what the folder of a real rr-cache has; `null` when that does not give a whole file. */
      replay: (entry: string, folder: string, sides: ThreeSides, style: ConflictStyle) =>
        Effect.gen(function* () {
          const before = yield* readImage(join(folder, "preimage"))
          const after = yield* readImage(join(folder, "postimage"))
          if (before === null || after === null) return null
          yield* fileWork(memory, async () => {
            await mkdir(join(memory, entry), { recursive: true })
            await writeFile(join(memory, entry, "preimage"), before.content)
            await writeFile(join(memory, entry, "postimage"), after.content)
          })
          yield* lay(sides, style)
          yield* run(["rerere"])
          const content = yield* fileWork(file, () => readFile(file))
          if (/^(?:<{7}|>{7}) /m.test(content.toString("latin1"))) return null
          const oid = objectIdOf(repository.objectFormat, frame("blob", content))
          return { content, oid, date: after.date } satisfies Replayed
        })
    }
  })

/** A plain file of bounded size and when it was written; `null` for anything else. */
const readImage = (path: string) =>
  fileWork(path, async () => {
    const stat = await lstat(path).catch(() => null)
    if (stat === null || !stat.isFile() || stat.size > imageBytesMax) return null
    return { content: await readFile(path), date: Math.max(0, Math.floor(stat.mtimeMs / 1_000)) }
  })
