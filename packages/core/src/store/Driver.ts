/**
 * What a store has to be able to do. A driver moves strings and numbers and knows no domain: codecs, the
 * clock and the order of publication live once, in `Store.ts`.
 *
 * What every driver promises (`testing/StoreContract.ts` checks it):
 * 1. A commit is all or nothing; when it succeeds, it is as durable as the driver ever makes it.
 * 2. Positions and versions have no gap, whatever fails or runs at the same time, but where something was forgotten.
 * 3. `head` and the reads never show a fact whose commit has not succeeded.
 * 4. A document shows exactly the facts of its stream up to `version`.
 * 5. Output and leases are no history: what was kept outside a commit may be gone after a power loss.
 */
import type * as Effect from "effect/Effect"
import type { OutputStream, ProcessIdentity } from "../executor/Executor.ts"
import type { EncodedFact, LogRow, StoreError, VersionConflict } from "./Log.ts"

/** A document to be kept: the fold of one stream. */
export interface DocumentWrite {
  /** The view, which is the name of the aggregate. */
  readonly view: string
  readonly key: string
  readonly stream: string
  /** The version of the stream that the document shows. */
  readonly version: number
  /** JSON; absent when the facts so far make no document (a stream of facts that nobody here knows). */
  readonly value: string | undefined
  /**
   * Index name → encoded sort prefix (`SortKey.ts`). The driver appends the position of the stream's first
   * fact, so that equal prefixes list in the order of insertion. An index that is absent does not list it.
   */
  readonly indexes: Readonly<Record<string, string>>
}

/** A document as it was kept. */
export interface StoredDocument {
  readonly key: string
  readonly version: number
  readonly value: string | undefined
}

/** A document that was asked for by its key. */
export interface LoadedDocument extends StoredDocument {
  /** The position of the first fact of its stream, also when that is gone; 0 when the stream does not exist. */
  readonly created: number
}

/** One commit: facts and documents together, if every stream still has the version that was read. */
export interface DriverCommit {
  /** Every stream that was read to decide, with the version found there (0 for one that does not exist). */
  readonly expected: ReadonlyArray<{ readonly stream: string; readonly version: number }>
  readonly facts: ReadonlyArray<EncodedFact>
  readonly documents: ReadonlyArray<DocumentWrite>
  /** Leases that change hands with the facts, in order: the last one of an attempt counts. Default: none. */
  readonly leases?: ReadonlyArray<LeaseWrite>
  /** What goes in the same step. Only for a driver that has `compaction`; others must not be given one. */
  readonly forget?: DriverForget
}

/** What a commit takes out of the store for good. Positions and versions of what goes are never used again. */
export interface DriverForget {
  /** Streams that go whole: facts, document, places in the indexes. */
  readonly streams: ReadonlyArray<string>
  /** Streams of which the facts before those of this commit go; the document and the version stay. */
  readonly histories: ReadonlyArray<string>
  /** Attempts whose output and lease go. */
  readonly attempts: ReadonlyArray<string>
}

/** What a store offers that can forget. */
export interface DriverCompaction {
  /** How much the store takes on the disk, in bytes; 0 for one in memory. */
  readonly size: Effect.Effect<number, StoreError>
  /** Gives the space of what was forgotten back to the disk. Others read and write meanwhile. */
  readonly shrink: Effect.Effect<void, StoreError>
}

/** Where a stream begins. */
export interface StreamBeginning {
  /** The position of its first fact, also when that is gone. */
  readonly created: number
  /** Position and version of the first fact that is left. */
  readonly position: number
  readonly version: number
}

/** A stream whose first facts are gone, as it was in another store: where the first one stood, and the version of the last. */
export interface RestoredStream {
  readonly stream: string
  /** The position of the first fact; no fact that is left has it. */
  readonly created: number
  /** The version of the last fact that is gone: what is left goes on from it. */
  readonly version: number
}

/**
 * What a store offers that can take the place of another one, gaps and all. Only for a store that held nothing when the
 * first of it was restored; whoever fails half-way throws the store away.
 */
export interface DriverRestore {
  /** Makes streams that have a version and a place in lists, and no fact yet. None of them is there. All or nothing. */
  readonly streams: (streams: ReadonlyArray<RestoredStream>) => Effect.Effect<void, StoreError>
  /** As `Driver.commit`, but each fact keeps its position. They ascend, and all are beyond the head. */
  readonly commit: (commit: RestoreCommit) => Effect.Effect<number, VersionConflict | StoreError>
}

/** A commit whose facts have been in a log before. */
export interface RestoreCommit extends Pick<DriverCommit, "expected" | "documents"> {
  readonly facts: ReadonlyArray<LogRow>
}

/** A lease that is taken, whoever had it before, or given back (`undefined`) as part of a commit. */
export interface LeaseWrite {
  readonly attemptId: string
  readonly lease: Lease | undefined
}

/** A range of an index. */
export interface DriverQuery {
  readonly view: string
  readonly index: string
  /** Only documents whose encoded sort key begins with this. "" is all. */
  readonly prefix: string
  readonly order: "ascending" | "descending"
  /** The sort key of the last document of the page before; exclusive. */
  readonly after?: string
  readonly limit: number
}

/** What to count: the documents that an index lists under a prefix. */
export type DriverCount = Pick<DriverQuery, "view" | "index" | "prefix">

/** A document in a list, with its sort key: the cursor to go on from. */
export interface ListedDocument extends StoredDocument {
  readonly value: string
  readonly sort: string
}

/** A piece of output of an attempt. */
export interface OutputRecord {
  /** From 0, without gaps as written; gaps as kept say that output was left out. */
  readonly sequence: number
  /** Byte offset of the piece in everything that the attempt printed. */
  readonly offset: number
  /** Length in UTF-8 bytes. */
  readonly bytes: number
  readonly stream: OutputStream
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly text: string
}

/** Who holds an attempt, and until when. Not history: a lease may be forgotten when the engine that holds it is gone. */
export interface Lease {
  readonly token: string
  readonly workerId: string
  /** Milliseconds since the Unix epoch; at this time and after it the lease has run out. */
  readonly expiresAt: number
  readonly process?: ProcessIdentity
}

/** What a write of an attempt shows: the token of its lease, and the time at which the lease must not have run out. */
export interface Fence {
  readonly token: string
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/**
 * One kind of store, open: what the author of a store writes. `Store.make` gives it the typed face that everybody else uses.
 */
export interface Driver {
  /** What kind of store this is, for messages and views: `memory`, `file`, `sqlite`. */
  readonly kind: string
  /**
   * Writes facts and documents as one, and gives the position of the last fact.
   *
   * - `VersionConflict`: a stream moved. Nothing was written.
   * - `StoreError`: whether it was written is unknown.
   */
  readonly commit: (commit: DriverCommit) => Effect.Effect<number, VersionConflict | StoreError>
  /** The document, with version 0 and no value when the stream does not exist. */
  readonly load: (view: string, key: string, stream: string) => Effect.Effect<LoadedDocument, StoreError>
  /**
   * The same without waiting, where the driver can: a unit of work is plain code as long as it can. Undefined: not now, ask
   * `load`.
   */
  readonly loadNow?: (view: string, key: string, stream: string) => LoadedDocument | undefined
  /** At most `limit` documents of the range, in order. An index or a view that is not there lists none. */
  readonly list: (query: DriverQuery) => Effect.Effect<ReadonlyArray<ListedDocument>, StoreError>
  /** How many documents are listed under the prefix; `max` when there are as many or more. Takes time in proportion to the answer. */
  readonly count: (query: DriverCount, max: number) => Effect.Effect<number, StoreError>
  /** At most `limit` rows after this position, in order. */
  readonly readAfter: (position: number, limit: number) => Effect.Effect<ReadonlyArray<LogRow>, StoreError>
  /** At most `limit` rows of a stream after this version, in order. */
  readonly readStream: (
    stream: string,
    afterVersion: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<LogRow>, StoreError>
  /** The position of the last fact; 0 when there is none. */
  readonly head: Effect.Effect<number, StoreError>
  /** Returns when the head is beyond this position. */
  readonly awaitBeyond: (position: number) => Effect.Effect<void, StoreError>
  readonly outputs: {
    /**
     * Keeps pieces of output and gives true. Pieces with `drop.from <= sequence < drop.before` are no longer wanted; a
     * driver may keep them a while, up to the size of what is wanted. With a fence, the lease is looked at in the same
     * step: false says that the attempt has no lease, or one of another token, or one that has run out; nothing was
     * kept and nothing dropped.
     */
    readonly append: (
      attemptId: string,
      records: ReadonlyArray<OutputRecord>,
      drop: { readonly from: number; readonly before: number } | undefined,
      fence: Fence | undefined
    ) => Effect.Effect<boolean, StoreError>
    /** At most `limit` pieces from this sequence on, in order. An attempt without output has none. */
    readonly read: (
      attemptId: string,
      fromSequence: number,
      limit: number
    ) => Effect.Effect<ReadonlyArray<OutputRecord>, StoreError>
  }
  /** Absent for a store that cannot forget. */
  readonly compaction?: DriverCompaction
  /** Where a stream begins; undefined when none of its facts is left. Absent for a store that cannot forget. */
  readonly beginning?: (stream: string) => Effect.Effect<StreamBeginning | undefined, StoreError>
  /** Absent for a store that cannot have gaps, or that is only read. */
  readonly restore?: DriverRestore
  readonly leases: {
    /** False where the leases of the process that writes the store cannot be seen from here. Default: they can. */
    readonly visible?: false
    /**
     * Moves the end of a lease, when it is held with this token and has not run out by `now`; looks and writes in one
     * step. False says that it is not, and nothing was changed.
     */
    readonly renew: (
      attemptId: string,
      token: string,
      expiresAt: number,
      now: number
    ) => Effect.Effect<boolean, StoreError>
    /**
     * Takes what nobody holds at `now`, or what is held with the same token; looks and writes in one step. False says that
     * another holds it, and nothing was changed. Not only for attempts: any name that two processes may want at once.
     */
    readonly take: (attemptId: string, lease: Lease, now: number) => Effect.Effect<boolean, StoreError>
    /**
     * Notes which process the attempt has, when it is held with this token and has not run out by `now`; looks and writes in
     * one step. False says that it is not, and nothing was changed. Absent where a lease ends with the process that holds it:
     * nobody would find the note.
     */
    readonly setProcess?: (
      attemptId: string,
      token: string,
      process: ProcessIdentity,
      now: number
    ) => Effect.Effect<boolean, StoreError>
    /** Takes the lease, whoever had it before. */
    readonly put: (attemptId: string, lease: Lease) => Effect.Effect<void, StoreError>
    /** The lease as it was last written, also when it has run out; undefined when there is none, or none visible. */
    readonly get: (attemptId: string) => Effect.Effect<Lease | undefined, StoreError>
    /** Gives the lease back, whoever has it. That there is none is not an error. */
    readonly remove: (attemptId: string) => Effect.Effect<void, StoreError>
  }
}
