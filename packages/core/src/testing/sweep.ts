/** How a sweep goes over its points: all of them, or a fixed sample. */

/** At most so many points from 1 to `last`, spread evenly over all of them. */
export const sample = (last: number, count: number): ReadonlyArray<number> => {
  const length = Math.min(last, count)
  return Array.from({ length }, (_, index) => Math.floor((index * last) / length) + 1)
}

/** Looks at each point, two at a time. Rejects with the point that failed first, and the reason as its cause. */
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
