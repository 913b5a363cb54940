/** The newest rows of the log in memory, so that whoever follows the log does not read the disk. */
import type { LogRow } from "@patchmoi/core/store/Log"

/** Most rows that are kept. */
const recentRowsMax = 4_096
/** Most UTF-16 code units of fact data that are kept. */
const recentLengthMax = 8 * 1_048_576

export class RecentRows {
  #rows: Array<LogRow> = []
  /** Index of the oldest row that counts; those before it are removed in one go now and then. */
  #start = 0
  #length = 0

  push(row: LogRow): void {
    this.#rows.push(row)
    this.#length += row.data.length
    while (this.#rows.length - this.#start > recentRowsMax || this.#length > recentLengthMax) {
      this.#length -= this.#rows[this.#start]?.data.length ?? 0
      this.#start += 1
    }
    if (this.#start > recentRowsMax || this.#start === this.#rows.length) {
      this.#rows = this.#rows.slice(this.#start)
      this.#start = 0
    }
  }

  /** At most `limit` rows after this position; undefined when the first of them is no longer kept. */
  after(position: number, limit: number): ReadonlyArray<LogRow> | undefined {
    const oldest = this.#rows[this.#start]
    if (oldest === undefined || position + 1 < oldest.position) return undefined
    const from = this.#start + position + 1 - oldest.position
    return this.#rows.slice(from, from + Math.max(0, limit))
  }
}
