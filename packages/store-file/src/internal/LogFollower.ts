/** Follows a log that another process writes: takes in the whole commits that have come since. */
import type { Projector } from "@patchmoi/core/store/Projector"
import { segmentName } from "./layout.ts"
import type { OpenedLog } from "./openLog.ts"
import type { Replica } from "./Replica.ts"
import { type ScannedCommit, type ScanStart, scanCommits } from "./scan.ts"

export class LogFollower {
  readonly #replica: Replica
  readonly #projector: Projector
  #segment: string | undefined
  #at: ScanStart

  constructor({ replica, projector, scan }: OpenedLog) {
    this.#replica = replica
    this.#projector = projector
    this.#segment = scan.last?.name
    this.#at = { end: scan.end, lines: scan.lines, head: scan.head }
  }

  /**
   * Takes in what is new. A tail that is not whole is left for the next time: the writer is at it, or a new writer
   * will cut it. Throws when the log became shorter than what was read.
   */
  refresh(): void {
    const { ops, directory, index } = this.#replica
    while (true) {
      if (this.#segment !== undefined) this.#readSegment(`${directory}/${this.#segment}`)
      const next = segmentName(index.head + 1)
      if (next === this.#segment || ops.size(`${directory}/${next}`) === undefined) return
      this.#segment = next
      this.#at = { end: 0, lines: 0, head: index.head }
      index.openSegment(index.head + 1)
    }
  }

  #readSegment(path: string): void {
    const { ops } = this.#replica
    const size = ops.size(path) ?? 0
    if (size < this.#at.end) {
      throw new Error(`${path} became shorter than what was read of it; open the store again`)
    }
    if (size === this.#at.end) return
    const bytes = ops.read(path, this.#at.end, size - this.#at.end)
    const { end, lines, head } = scanCommits(bytes, this.#at, (commit) => this.#add(commit))
    this.#at = { end, lines, head }
  }

  #add({ rows, offsets, end }: ScannedCommit): void {
    for (const row of rows) this.#projector.apply(row)
    this.#replica.add(rows, offsets, end)
    for (const stream of new Set(rows.map(({ stream }) => stream))) {
      const document = this.#projector.document(stream)
      if (document !== undefined) this.#replica.tables.putDocument(document)
    }
  }
}
