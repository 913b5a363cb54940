/**
 * The readable files of a store and their progress. A page of facts is written in this order: lines, sync,
 * checkpoint. A crash before the checkpoint leaves a file that is too long, and the next start cuts it.
 */
import type { LogRow } from "@patchmoi/core/store/Log"
import type { AppendProjection, Past, ReadableProjection, ReplaceProjection } from "../ReadableProjection.ts"
import {
  type Checkpoint,
  noProgress,
  type Progress,
  readCheckpoint,
  rowMark,
  writeCheckpoint
} from "./checkpoint.ts"
import { type FileSystemOps, readWhole, replaceFile } from "./fileOps.ts"

interface AppendState {
  readonly projection: AppendProjection
  readonly linesOf: (row: LogRow) => ReadonlyArray<string>
  progress: Progress
}

interface ReplaceState {
  readonly projection: ReplaceProjection
  readonly fold: ReturnType<ReplaceProjection["begin"]>
  /** The facts up to here are not for the fold. */
  readonly begun: number
  written: string | undefined
}

/** What the files follow. */
export interface FollowedLog extends Past {
  /** The position of the last fact. */
  readonly head: number
  /** The row at a position; undefined when the log does not reach it. */
  readonly rowAt: (position: number) => LogRow | undefined
}

export class ProjectionFiles {
  /** Every fact up to here has been folded. */
  position: number
  readonly #appends: ReadonlyArray<AppendState>
  readonly #replaces: ReadonlyArray<ReplaceState>
  #checkpoint: Checkpoint
  #isDirty = false

  /** Brings the files to where the checkpoint says they are; a file that does not fit it begins anew. */
  constructor(
    readonly ops: FileSystemOps,
    readonly directory: string,
    projections: ReadonlyArray<ReadableProjection>,
    log: FollowedLog
  ) {
    this.#checkpoint = readCheckpoint(ops, directory)
    this.#appends = projections
      .filter((projection) => projection.kind === "append")
      .map((projection) => ({
        projection,
        linesOf: projection.begin(log),
        progress: this.#resume(projection.fileName, log)
      }))
    this.#replaces = projections
      .filter((projection) => projection.kind === "replace")
      .map((projection) => ({
        projection,
        fold: projection.begin(log),
        begun: projection.resumes === true ? log.head : 0,
        written: this.#content(projection.fileName)
      }))
    const starts = this.#appends.map(({ projection, progress }) =>
      projection.readsFromStart === true ? 0 : progress.position
    )
    this.position = Math.min(log.head, ...starts, ...this.#replaces.map(({ begun }) => begun))
  }

  /**
   * Folds a page of facts and writes what follows from it. `isLast` says that no fact is behind the page: files
   * that are replaced wait for that.
   */
  async add(rows: ReadonlyArray<LogRow>, isLast: boolean): Promise<void> {
    const last = rows.at(-1)
    const texts = this.#appends.map((state) => this.#linesOf(state, rows))
    for (const { fold, begun } of this.#replaces) {
      for (const row of rows) if (row.position > begun) fold.add(row)
    }
    for (const [at, state] of this.#appends.entries()) {
      await this.#append(state, texts[at] ?? "", last)
    }
    if (last !== undefined) this.position = last.position
    if (isLast) for (const state of this.#replaces) this.#replace(state)
    if (this.#isDirty) this.saveCheckpoint()
  }

  /** Writes the checkpoint, also when only positions have moved. */
  saveCheckpoint(): void {
    const appends = this.#appends
      .filter(({ projection: { fileName } }) => this.#checkpoint[fileName] !== undefined)
      .map(({ projection, progress }) => [projection.fileName, progress] as const)
    this.#checkpoint = { ...this.#checkpoint, ...Object.fromEntries(appends) }
    writeCheckpoint(this.ops, this.directory, this.#checkpoint)
    this.#isDirty = false
  }

  #linesOf({ linesOf, progress }: AppendState, rows: ReadonlyArray<LogRow>): string {
    let text = ""
    for (const row of rows) {
      const lines = linesOf(row)
      if (row.position > progress.position) for (const line of lines) text += `${line}\n`
    }
    return text
  }

  async #append(state: AppendState, text: string, last: LogRow | undefined): Promise<void> {
    const { fileName } = state.projection
    const path = `${this.directory}/${fileName}`
    if (text.length > 0) {
      this.#adopt(fileName)
      if ((this.ops.size(path) ?? 0) !== state.progress.bytes) {
        throw new Error(`${path} was changed by someone else; it is made anew`)
      }
      const bytes = Buffer.from(text)
      const file = this.ops.open(path, "a")
      try {
        this.ops.write(file, bytes)
        await this.ops.syncLater(file)
      } finally {
        this.ops.close(file)
      }
      state.progress = { ...state.progress, bytes: state.progress.bytes + bytes.length }
      this.#isDirty = true
    }
    if (last !== undefined && last.position > state.progress.position) {
      state.progress = { ...state.progress, position: last.position, mark: rowMark(last) }
    }
  }

  #replace(state: ReplaceState): void {
    const { fileName } = state.projection
    const content = state.fold.content()
    if (content === undefined || content === state.written) return
    this.#adopt(fileName)
    replaceFile(this.ops, this.directory, fileName, content)
    state.written = content
  }

  /** From the first write on, the file is the store's; what stands there from before is kept under another name. */
  #adopt(fileName: string): void {
    if (this.#checkpoint[fileName] !== undefined) return
    const path = `${this.directory}/${fileName}`
    if ((this.ops.size(path) ?? 0) > 0) this.ops.rename(path, this.#nameBeside(path))
    this.#checkpoint = { ...this.#checkpoint, [fileName]: noProgress }
    writeCheckpoint(this.ops, this.directory, this.#checkpoint)
  }

  #nameBeside(path: string): string {
    for (let number = 1; ; number++) {
      const name = number === 1 ? `${path}.before-patchmoi` : `${path}.before-patchmoi-${number}`
      if (this.ops.size(name) === undefined) return name
    }
  }

  #resume(fileName: string, { rowAt }: FollowedLog): Progress {
    const known = this.#checkpoint[fileName]
    if (known === undefined) return noProgress
    const path = `${this.directory}/${fileName}`
    const size = this.ops.size(path) ?? 0
    const fits = size >= known.bytes && rowMark(rowAt(known.position)) === known.mark
    const progress = fits ? known : noProgress
    if (size > progress.bytes) this.ops.truncate(path, progress.bytes)
    return progress
  }

  #content(fileName: string): string | undefined {
    return this.#checkpoint[fileName] === undefined
      ? undefined
      : readWhole(this.ops, `${this.directory}/${fileName}`)?.toString("utf8")
  }
}

/** Lets the files that show facts behind this position begin anew at the next start. */
export const forgetBeyond = (ops: FileSystemOps, directory: string, head: number): void => {
  const known = readCheckpoint(ops, directory)
  const beyond = Object.entries(known).filter(([, { position }]) => position > head)
  if (beyond.length === 0) return
  const reset = beyond.map(([fileName]) => [fileName, noProgress] as const)
  writeCheckpoint(ops, directory, { ...known, ...Object.fromEntries(reset) })
}

/** Lets every file begin anew at the next start. */
export const forgetProgress = (
  ops: FileSystemOps,
  directory: string,
  projections: ReadonlyArray<ReadableProjection>
): void => {
  const known = readCheckpoint(ops, directory)
  const reset = projections
    .filter(({ fileName }) => known[fileName] !== undefined)
    .map(({ fileName }) => [fileName, noProgress] as const)
  writeCheckpoint(ops, directory, { ...known, ...Object.fromEntries(reset) })
  for (const [fileName] of reset) ops.remove(`${directory}/${fileName}`)
}
