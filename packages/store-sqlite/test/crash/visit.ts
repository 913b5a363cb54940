/** How a crash sweep goes over its points: all of them with `TEST_LONG=1`, otherwise a fixed sample. */

export const isLong = process.env["TEST_LONG"] === "1"

/** Points spread evenly over all of them. */
export const sample = (last: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => Math.floor((index * last) / count) + 1)

/** Two at a time, as the machine has two cores. */
export const visit = async (
  points: ReadonlyArray<number>,
  look: (point: number) => Promise<void>
): Promise<void> => {
  const left = [...points]
  const worker = async () => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      try {
        await look(point)
      } catch (error) {
        throw new Error(`at point ${point}`, { cause: error })
      }
    }
  }
  await Promise.all([worker(), worker()])
}
