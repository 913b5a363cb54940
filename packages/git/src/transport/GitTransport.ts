/**
 * The port to repositories somewhere else: reading a few files of a branch, and putting one commit on top of it.
 *
 * Guarantees of every implementation:
 * 1. A push is never forced. It names the commit that the branch is to be at; if the branch is elsewhere, nothing is
 *    written and the answer is `StaleHead`.
 * 2. Nothing is checked out. Folders of the caller are not touched.
 * 3. Time, sizes and redirects are bounded. Interruption ends the request.
 * 4. Credentials go into the `Authorization` header of the target's own origin and nowhere else.
 * 5. The default branch is what the remote says. It is never assumed.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { ObjectId, RefName } from "../GitName.ts"
import type { CommitView } from "./CommitView.ts"
import type { TransportError } from "./TransportError.ts"

export type { CommitView } from "./CommitView.ts"
export type { TransportError } from "./TransportError.ts"

/** One repository somewhere else. */
export interface TransportTarget {
  /** `https://`, `http://`, `file://`, `ssh://`, `host:path` or a local path. Never with a password in it. */
  readonly url: string
  /** The whole value of the `Authorization` header, such as `Bearer …`; `null` sends none. Only for http(s). */
  readonly authorization: Redacted.Redacted<string> | null
}

/** Where a branch of the target is. */
export interface TargetHead {
  /** The full name. */
  readonly branch: RefName
  /** `null`: the repository is empty, or has no such branch. */
  readonly commit: ObjectId | null
}

/** Who a commit is by. */
export interface CommitAuthor {
  readonly name: string
  readonly email: string
}

/** What to read of a commit. */
export interface ReadCommitOptions {
  readonly commit: ObjectId
  /** Paths of files, with `/` between folders, relative to the top. */
  readonly paths: ReadonlyArray<string>
  /** Folders whose names are wanted, `""` for the top. (Default: none.) */
  readonly folders?: ReadonlyArray<string>
}

/** Which file's content to read. */
export interface ReadBlobOptions {
  readonly oid: ObjectId
  /** Longest accepted content, in bytes; `AnswerTooLarge` beyond. */
  readonly bytesMax: number
  /** A commit and a path where the blob lies, for servers that give no single blob. */
  readonly commit: ObjectId
  readonly path: string
}

/** One commit that changes one file. */
export interface PushFileOptions {
  readonly branch: RefName
  /** What the branch is expected to be at; the path must have been asked for. */
  readonly view: CommitView
  readonly path: string
  readonly content: Uint8Array
  /** Author and committer. */
  readonly author: CommitAuthor
  /** Author and committer date, in seconds since 1970; written in UTC. */
  readonly date: number
  readonly message: string
}

/** A commit that was pushed. */
export interface PushedFile {
  readonly commit: ObjectId
  /** The view of the new commit: enough for the next push to be a single request. */
  readonly view: CommitView
}

/** Where to look for the last change of a path. */
export interface ReadLastChangeOptions {
  readonly commit: ObjectId
  readonly path: string
  /** How many commits are looked at, the first one included. At least 1. */
  readonly commitsMax: number
}

/** The commit that gave a path the content that it has. */
export interface LastChange {
  readonly commit: ObjectId
  /** Where to look on for the change before it: its first parent, or `null` for a first commit. */
  readonly parent: ObjectId | null
  readonly author: CommitAuthor
  readonly message: string
}

/** Repositories somewhere else. */
export class GitTransport extends Context.Tag("@patchmoi/git/GitTransport")<
  GitTransport,
  {
    /** Where the branch is; `null` for the remote's default branch. */
    readonly readHead: (
      target: TransportTarget,
      branch: RefName | null
    ) => Effect.Effect<TargetHead, TransportError>
    /** The trees on the way to the paths, and the folders, at the commit. No file's content is read. */
    readonly readCommit: (
      target: TransportTarget,
      options: ReadCommitOptions
    ) => Effect.Effect<CommitView, TransportError>
    /** The content of one file. */
    readonly readBlob: (
      target: TransportTarget,
      options: ReadBlobOptions
    ) => Effect.Effect<Uint8Array, TransportError>
    /**
     * Puts one commit on top of `view.commit`, in which the path has the content, and pushes it without force.
     *
     * The file keeps its mode; a new one is a regular file, folders are made. `StaleHead` when the branch is not at
     * `view.commit`. After an error for which `mayHaveMoved` holds, the branch may or may not have moved.
     */
    readonly pushFile: (
      target: TransportTarget,
      options: PushFileOptions
    ) => Effect.Effect<PushedFile, TransportError>
    /** The last commit along first parents that changed the path; `null` when it is older than the commits looked at. */
    readonly readLastChange: (
      target: TransportTarget,
      options: ReadLastChangeOptions
    ) => Effect.Effect<LastChange | null, TransportError>
  }
>() {}
