/**
 * Looking at one target, without writing: where its branch is, what the version file holds, and who changed it last.
 *
 * The cheapest answer that is certain wins: a remembered commit that the branch is still at needs nothing more; a file
 * that holds what is wanted, or what was last written, is known by its object id alone; only another one is read, with
 * the commit that changed it last.
 */
import * as Effect from "effect/Effect"
import type { ObjectId, RefName } from "../GitName.ts"
import { shortName } from "../GitName.ts"
import { frame, objectIdOf } from "../internal/objectFormat.ts"
import { type CommitView, decodeCommitView, type ViewEntry } from "../transport/CommitView.ts"
import { GitTransport, type LastChange, type TransportTarget } from "../transport/GitTransport.ts"
import { EmptyRepository } from "../transport/TransportError.ts"
import { type CascadeConfig, type CascadeTarget, hasCascadeTrailer } from "./CascadeConfig.ts"
import { contentOf, readVersionFile, versionFileBytesMax } from "./CascadeVersion.ts"
import type { RememberedHead } from "./HeadMemory.ts"
import { TargetUnusable } from "./TargetProblem.ts"
import { redactAddress } from "./TargetUrl.ts"

/** Changes of the version file that are looked at for an earlier write of the cascade. */
export const historyChangesMax = 5

/** Commits that are looked through for the last change of the version file. */
export const historyCommitsMax = 200

/** Who gave the file its value. */
export type ChangedBy =
  /** A cascade of this name. */
  | { readonly _tag: "Cascade" }
  | {
      readonly _tag: "Person"
      readonly name: string
      readonly commit: ObjectId
      readonly wroteAfterCascade: boolean
    }
  /** Longer ago than was looked. */
  | { readonly _tag: "Unknown" }

/** One target as it was found. */
export interface Look {
  readonly branch: RefName
  readonly view: CommitView
  /** Whether it has the version file, or the marker. */
  readonly isActive: boolean
  /** The object id of the version file; `null` when there is none. */
  readonly entry: ObjectId | null
  /** The version in the file; `null` when there is none. */
  readonly current: string | null
  /** `null` where it does not matter: the file holds what is wanted, or nothing. */
  readonly changedBy: ChangedBy | null
  /** Whether this was remembered and not asked. */
  readonly remembered: boolean
}

/** What is known before looking. */
export interface LookOptions {
  readonly config: CascadeConfig
  readonly target: CascadeTarget
  readonly remote: TransportTarget
  readonly version: string
  /** What a cascade last wrote there, as far as it is recorded. */
  readonly written: ReadonlyArray<string>
  /** Whether a cascade is known to have written there before. */
  readonly wroteBefore: boolean
  readonly remembered: RememberedHead | null
}

/** Looks. Fails with what the transport says, or `TargetUnusable`. */
export const lookAt = Effect.fn("Cascade.lookAt")(function* (options: LookOptions) {
  const { config, remembered, remote, target } = options
  const transport = yield* GitTransport
  const head = yield* transport.readHead(remote, target.branch)
  if (head.commit === null) return yield* absent(target)
  if (remembered !== null && remembered.branch === head.branch && remembered.view.commit === head.commit) {
    return lookRemembered(remembered, config.file)
  }
  const view = yield* transport.readCommit(remote, {
    commit: head.commit,
    paths: [config.file, ...(config.probe === null ? [] : [config.probe])]
  })
  const entry = view.entryOf(config.file)
  const found = { branch: head.branch, view, remembered: false }
  if (entry === null) {
    const isActive = config.probe !== null && view.entryOf(config.probe) !== null
    const look: Look = { ...found, isActive, entry: null, current: null, changedBy: null }
    return look
  }
  if (!entry.mode.startsWith("100")) {
    return yield* new TargetUnusable({
      code: "NotAFile",
      reason: `${config.file} is no regular file there (mode ${entry.mode})`
    })
  }
  const known = [options.version, ...options.written].find((version) => holds(view, entry, version))
  const active = { ...found, isActive: true, entry: entry.oid }
  if (known !== undefined) {
    const look: Look = {
      ...active,
      current: known,
      changedBy: known === options.version ? null : { _tag: "Cascade" }
    }
    return look
  }
  const { current, changedBy } = yield* readForeign(options, view, entry)
  const look: Look = { ...active, current, changedBy }
  return look
})

/** The look that a memory stands for, when the branch is still there. */
export const lookRemembered = (remembered: RememberedHead, file: string): Look => {
  const view = decodeCommitView(remembered.view)
  return {
    branch: remembered.branch,
    view,
    isActive: true,
    entry: view.entryOf(file)?.oid ?? null,
    current: remembered.written,
    changedBy: { _tag: "Cascade" },
    remembered: true
  }
}

/** Whether the file at the entry holds exactly the version. */
export const holds = (view: Pick<CommitView, "objectFormat">, entry: ViewEntry, version: string): boolean =>
  objectIdOf(view.objectFormat, frame("blob", contentOf(version))) === entry.oid

// --- internal ---

const absent = (target: CascadeTarget) =>
  target.branch === null
    ? new EmptyRepository({ url: redactAddress(target.url) })
    : new TargetUnusable({
        code: "NoSuchBranch",
        reason: `${redactAddress(target.url)} has no branch ${shortName(target.branch)}`
      })

/** Reads a value that no cascade is known to have written, and who wrote it. */
const readForeign = (options: LookOptions, view: CommitView, entry: ViewEntry) =>
  Effect.gen(function* () {
    const { config, remote } = options
    const transport = yield* GitTransport
    const place = { commit: view.commit, path: config.file }
    const [content, change] = yield* Effect.all(
      [
        transport.readBlob(remote, { ...place, oid: entry.oid, bytesMax: versionFileBytesMax }),
        transport.readLastChange(remote, { ...place, commitsMax: historyCommitsMax })
      ],
      { concurrency: 2 }
    )
    const current = yield* versionIn(content, config.file)
    const changedBy: ChangedBy =
      change === null
        ? { _tag: "Unknown" }
        : hasCascadeTrailer(change.message, config.name)
          ? { _tag: "Cascade" }
          : {
              _tag: "Person",
              name: change.author.name,
              commit: change.commit,
              wroteAfterCascade: yield* hasEarlierWrite(options, change)
            }
    return { current, changedBy }
  })

/** Whether the history of the file has a write of the cascade before the change; not asked where it is known anyway. */
const hasEarlierWrite = ({ config, remote, wroteBefore }: LookOptions, change: LastChange) =>
  Effect.gen(function* () {
    if (wroteBefore) return true
    const transport = yield* GitTransport
    let { parent } = change
    for (let changes = 0; changes < historyChangesMax && parent !== null; changes++) {
      const older: LastChange | null = yield* transport.readLastChange(remote, {
        commit: parent,
        path: config.file,
        commitsMax: historyCommitsMax
      })
      if (older === null) return false
      if (hasCascadeTrailer(older.message, config.name)) return true
      parent = older.parent
    }
    return false
  })

const versionIn = (content: Uint8Array, file: string): Effect.Effect<string | null, TargetUnusable> => {
  const text = new TextDecoder().decode(content)
  if (text.trim() === "") return Effect.succeed(null)
  if (text.startsWith("version https://git-lfs.github.com/spec/")) {
    return new TargetUnusable({ code: "LfsPointer", reason: `${file} is kept in Git LFS there` })
  }
  const version = readVersionFile(content)
  return version === null
    ? new TargetUnusable({
        code: "NotAVersionFile",
        reason: `${file} holds something else than one version on one line; it is not written over`
      })
    : Effect.succeed(version)
}
