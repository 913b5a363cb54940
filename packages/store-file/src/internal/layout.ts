/** Where things lie in the folder of a store. */

/** The paths in a store's folder. */
export const layout = (directory: string) => ({
  /** Segments of the log, named by the position of their first fact. */
  log: `${directory}/log`,
  /** What a repair cut off. */
  cut: `${directory}/log/cut`,
  lock: `${directory}/lock`,
  snapshot: `${directory}/snapshot`,
  outputs: `${directory}/outputs`
})

/** Digits of a position in a file name: every safe integer fits, and names sort as positions do. */
const positionDigits = 20

/** The file name of the segment whose first fact has this position. */
export const segmentName = (first: number): string => `${String(first).padStart(positionDigits, "0")}.jsonl`

/** The position of the first fact of a segment; undefined for any other file. */
export const segmentFirst = (name: string): number | undefined =>
  /^\d{20}\.jsonl$/.test(name) ? Number(name.slice(0, positionDigits)) : undefined
