/**
 * Files for people and scripts beside the log: what a projection turns the facts into.
 *
 * 1. A file shows every fact up to some position once, in position order; it follows the log within a moment.
 * 2. After a crash it goes on where it stopped, without a gap and without a repeat.
 * 3. The files belong to the store: they can be deleted (they are made anew), and what others write into them is cut.
 *    A file that was there before the store knew it is kept beside it as `<name>.before-patchmoi`.
 */
import type { LogRow } from "@patchmoi/core/store/Log"

/** A file that grows by lines. */
export interface AppendProjection {
  readonly kind: "append"
  /** Its name in the folder of the store, such as `flow-events.jsonl`. */
  readonly fileName: string
  /** Whether lines depend on earlier facts: the fold then sees every fact at each start. Default: false. */
  readonly readsFromStart?: boolean
  /** Begins a fold; it gives the lines of each fact, without line breaks at their ends. */
  readonly begin: (past: Past) => (row: LogRow) => ReadonlyArray<string>
}

/** A file that is replaced as a whole, in one step, when what it shows has changed. */
export interface ReplaceProjection {
  readonly kind: "replace"
  /** Its name in the folder of the store, such as `feed-state.json`. */
  readonly fileName: string
  /** Whether the fold begins with the documents of `past`, and is given only later facts. Default: false, it sees every fact at each start. */
  readonly resumes?: boolean
  readonly begin: (past: Past) => ReplaceFold
}

/** What a fold can begin with, so that it need not see every fact at each start. */
export interface Past {
  /** The facts of a row's stream that are before it. */
  readonly before: (row: LogRow) => Iterable<LogRow>
  /** The documents of a view at the last fact of the log, as JSON. */
  readonly documents: (view: string) => Iterable<string>
}

/** The state behind a file that is replaced. */
export interface ReplaceFold {
  readonly add: (row: LogRow) => void
  /** The whole file; undefined while there is nothing to show, and the file is then left as it is. */
  readonly content: () => string | undefined
}

/** A file that the store keeps beside its log; `FileStoreOptions.projections` takes them. */
export type ReadableProjection = AppendProjection | ReplaceProjection

/** A file with the lines of each fact, where no line depends on an earlier fact. */
export const appendEach = (
  fileName: string,
  map: (row: LogRow) => ReadonlyArray<string>
): AppendProjection => ({ kind: "append", fileName, begin: () => map })
