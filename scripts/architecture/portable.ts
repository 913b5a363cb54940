/** What must run wherever JavaScript runs: the HTTP client and the API value, with everything that they load. */
import type { Module, Violation } from "./house.ts"

/** The doors that programs in browsers and on Node load. */
const portableDoors = ["packages/sdk/src/http.ts", "packages/sdk/src/FlowHttp.ts", "packages/sdk/src/api.ts"]

/** Rooms that need a disk, a database or a process. */
const boundRooms = ["store-file", "store-sqlite", "git"]

/**
 * The HTTP client reaches no built-in of Bun or Node, no store and no git at run time, also by what it loads lazily: a
 * bundler for browsers follows that too. Types are free.
 */
export const httpClientIsPortable = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> => {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const seen = new Map<string, ReadonlyArray<string>>()
  const open: Array<readonly [string, ReadonlyArray<string>]> = portableDoors.map((path) => [path, [path]])
  const violations: Array<Violation> = []
  for (const [path, trail] of open) {
    if (seen.has(path)) continue
    seen.set(path, trail)
    for (const { specifier, kind, target, targetRoom = "", runtime } of byPath.get(path)?.imports ?? []) {
      if (!runtime) continue
      if (kind === "builtin" || boundRooms.includes(targetRoom)) {
        violations.push(`${trail.join(" → ")} imports ${specifier}: the HTTP client runs in browsers too`)
      } else if (target !== undefined) open.push([target, [...trail, target]])
    }
  }
  return violations
}
