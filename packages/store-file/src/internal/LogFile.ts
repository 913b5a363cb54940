/** The end of the log, open for appending: the last segment, and the step to the next one. */
import { type FileSystemOps, makeDurableDirectory } from "./fileOps.ts"
import { segmentName } from "./layout.ts"

/** Where appending goes on. */
export interface LogEnd {
  /** The name of the last segment; undefined when the log has none. */
  readonly name: string | undefined
  /** Its size in bytes. */
  readonly bytes: number
}

export class LogFile {
  #file: number | undefined
  #bytes = 0

  constructor(
    readonly ops: FileSystemOps,
    readonly directory: string,
    readonly segmentBytesMax: number,
    end: LogEnd
  ) {
    makeDurableDirectory(ops, directory)
    if (end.name === undefined) return
    this.#file = ops.open(`${directory}/${end.name}`, "a")
    this.#bytes = end.bytes
    // What the writer before left may be in the cache only, and is acknowledged from now on.
    ops.sync(this.#file)
    ops.syncDirectory(directory)
  }

  /** The size of the last segment in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the next fact begins a new segment. */
  get isFull(): boolean {
    return this.#file === undefined || this.#bytes >= this.segmentBytesMax
  }

  /** Begins the segment whose first fact has this position. */
  openSegment(first: number): void {
    this.close()
    this.#file = this.ops.open(`${this.directory}/${segmentName(first)}`, "a")
    this.#bytes = 0
    this.ops.syncDirectory(this.directory)
  }

  /** Returns when the bytes are on the disk. */
  async append(bytes: Uint8Array): Promise<void> {
    if (this.#file === undefined) throw new Error("no segment of the log is open")
    this.ops.write(this.#file, bytes)
    await this.ops.syncLater(this.#file)
    this.#bytes += bytes.length
  }

  close(): void {
    if (this.#file !== undefined) this.ops.close(this.#file)
    this.#file = undefined
  }
}
