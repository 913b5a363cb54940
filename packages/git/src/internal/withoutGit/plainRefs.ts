/**
 * Reading and moving refs without the git program, in the way that git itself keeps them in files.
 *
 * Moving takes the lock file of every ref first, then compares every value, then renames the locks into place: another
 * git waits or gives up meanwhile, and a ref that is not as expected leaves all of them as they were. No reflog is written
 * and no hook runs.
 */
import * as fs from "node:fs"
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isObjectId, type ObjectId, parseRef, RefName, shortName } from "../../GitName.ts"
import type { PatchBranch } from "../../patch/PatchPlan.ts"
import { BranchCheckedOut, type RefUpdate, refusePaused, StaleRef } from "../../RefTransaction.ts"
import { parseCommit } from "../objectFormat.ts"
import { makeSharedFolder } from "../sharedFolder.ts"
import type { PlainRepository } from "./plainRepository.ts"

/** A ref's file could not be locked or written. Nothing was moved, unless the detail says so. */
export class RefFileError extends Schema.TaggedError<RefFileError>("git/RefFileError")("RefFileError", {
  ref: RefName,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.ref} could not be written: ${this.detail}`
  }
}

/** The branches, or other refs, under the prefix, in the order of their names by code unit. */
export const readBranchesPlain = (plain: PlainRepository, prefix: RefName) =>
  Effect.promise(async () => {
    const { library, repository } = plain
    const gitdir = repository.commonDirectory
    const names = await library.listRefs({ fs, gitdir, filepath: prefix })
    const branches: Array<PatchBranch> = []
    for (const name of names) {
      // The library also lists packed refs whose names only begin alike, in full; those are not below the prefix.
      const tip = await library.resolveRef({ fs, gitdir, ref: `${prefix}/${name}` }).catch(() => "")
      if (isObjectId(tip)) branches.push({ name: shortName(`${prefix}/${name}`), tip })
    }
    return branches.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  })

/** What the ref points to, or `null`. */
export const readRefPlain = ({ library, repository }: PlainRepository, ref: string) =>
  Effect.promise(async (): Promise<ObjectId | null> => {
    const found = await library.resolveRef({ fs, gitdir: repository.commonDirectory, ref }).catch(() => null)
    return found !== null && isObjectId(found) ? found : null
  })

/** The commit that an object id or a ref, in short or full form, names, tags peeled; or `null`. */
export const resolveCommitPlain = (plain: PlainRepository, revision: string) =>
  Effect.gen(function* () {
    const forms = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].map(
      (start) => `${start}${revision}`
    )
    let id: string | null = isObjectId(revision) ? revision : null
    for (const form of forms) id ??= form.startsWith("refs/") ? yield* readRefPlain(plain, form) : null
    for (let hops = 0; id !== null && hops < tagHopsMax; hops++) {
      const { type, content } = yield* plain.read(id)
      if (type === "commit") return isObjectId(id) && parseCommit(content)._tag === "Right" ? id : null
      id = type === "tag" ? (/^object ([0-9a-f]+)\n/.exec(content.toString("latin1"))?.[1] ?? null) : null
    }
    return null
  })

/**
 * Moves the refs, all or none. `StaleRef`: one had moved. `BranchCheckedOut`: one is a work tree's branch. `RefFileError`: one
 * could not be locked or written.
 */
export const moveRefsPlain = (plain: PlainRepository, updates: ReadonlyArray<RefUpdate>) =>
  Effect.gen(function* () {
    if (updates.length === 0) return
    const moving = updates.filter(({ expected, next }) => expected !== next)
    yield* refuseCheckedOutPlain(plain, moving)
    const locks: Array<string> = []
    const failed = (ref: RefName) => (cause: unknown) =>
      new RefFileError({ ref, detail: cause instanceof Error ? cause.message : String(cause) })
    const locked = Effect.gen(function* () {
      for (const { ref, next } of updates) {
        yield* refuseOverlap(plain, ref)
        const path = `${join(plain.repository.commonDirectory, ref)}.lock`
        yield* Effect.tryPromise({ try: () => makeSharedFolder(dirname(path)), catch: failed(ref) })
        yield* Effect.tryPromise({
          try: () => writeFile(path, `${next}\n`, { flag: "wx" }),
          catch: failed(ref)
        })
        locks.push(path)
      }
      for (const { expected, ref } of updates) {
        const actual = yield* readRefPlain(plain, ref)
        if (actual !== expected) return yield* new StaleRef({ ref, expected, actual })
      }
      for (const { ref } of moving) {
        const path = join(plain.repository.commonDirectory, ref)
        yield* Effect.tryPromise({ try: () => rename(`${path}.lock`, path), catch: failed(ref) })
      }
    })
    const unlock = Effect.promise(() => Promise.all(locks.map((path) => rm(path, { force: true }))))
    yield* Effect.uninterruptible(locked.pipe(Effect.ensuring(unlock)))
  })

// --- internal ---

/** Tags of tags that are followed. */
const tagHopsMax = 10

const refuseCheckedOutPlain = (plain: PlainRepository, updates: ReadonlyArray<RefUpdate>) =>
  Effect.gen(function* () {
    const { commonDirectory } = plain.repository
    const linked = yield* Effect.promise(() => readdir(join(commonDirectory, "worktrees")).catch(() => []))
    const homes = [commonDirectory, ...linked.map((name) => join(commonDirectory, "worktrees", name))]
    for (const home of homes) {
      const head = yield* Effect.promise(() => readFile(join(home, "HEAD"), "utf8").catch(() => ""))
      const taken = updates.find(({ ref }) => head.trim() === `ref: ${ref}`)
      if (taken === undefined) continue
      return yield* new BranchCheckedOut({ ref: taken.ref, workTree: home, state: "checked out" })
    }
    yield* refusePaused(
      plain.repository,
      updates.map(({ ref }) => ref)
    )
  })

/** A ref cannot be where another one has a folder, and a symbolic ref is nobody's to write over. */
const refuseOverlap = (plain: PlainRepository, ref: RefName) =>
  Effect.gen(function* () {
    const gitdir = plain.repository.commonDirectory
    const text = yield* Effect.promise(() => readFile(join(gitdir, ref), "utf8").catch(() => ""))
    if (text.startsWith("ref:")) return yield* new RefFileError({ ref, detail: "it is a symbolic ref" })
    for (const { name } of yield* readBranchesPlain(plain, ref)) {
      return yield* new RefFileError({ ref, detail: `${name} exists` })
    }
    const parts = ref.split("/")
    for (let length = 3; length < parts.length; length++) {
      const above = yield* parseRef(parts.slice(0, length).join("/"))
      if ((yield* readRefPlain(plain, above)) !== null)
        return yield* new RefFileError({ ref, detail: `${above} exists` })
    }
  })
