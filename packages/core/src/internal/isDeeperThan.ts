/** Whether a value nests objects and arrays deeper than a limit. Without recursion, because it guards what recurs. */
export const isDeeperThan = (value: unknown, depthMax: number): boolean => {
  let level: ReadonlyArray<unknown> = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return true
    level = level.flatMap((inner) =>
      typeof inner === "object" && inner !== null ? Object.values(inner) : []
    )
  }
  return false
}
