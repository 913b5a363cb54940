/**
 * Who may see whom. `core ← {store-file, store-sqlite, git} ← sdk ← {examples, flows}`, and inside the sdk
 * `api ← {client, server} ← daemon ← cli ← bin`: the command line may start the daemon, never the other way round.
 */
import type { Module, Room, Violation } from "./house.ts"

const visible: Readonly<Record<Room, ReadonlyArray<Room>>> = {
  core: [],
  "store-file": ["core"],
  "store-sqlite": ["core"],
  git: ["core"],
  sdk: ["core", "store-file", "store-sqlite", "git"],
  // Examples show every published package at work. Flows are guests of the SDK alone.
  examples: ["core", "store-file", "store-sqlite", "git", "sdk"],
  flows: ["sdk"]
}

/** Each room sees only the rooms below it, and by their published doors only. Tests of a room obey its arrows too. */
export const roomArrows = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  modules.flatMap(({ path, room, imports }) => {
    const allowed = visible[room]
    return imports.flatMap(({ specifier, kind, target, targetRoom }) => {
      if (kind === "workspace" && target === undefined)
        return [`${path} imports ${specifier}, which is not a published door`]
      if (allowed === undefined || targetRoom === undefined) return []
      if (kind === "relative") {
        return homeOf(path) === homeOf(target ?? path)
          ? []
          : [`${path} reaches out of its own package by ${specifier}`]
      }
      return targetRoom === room || allowed.includes(targetRoom)
        ? []
        : [`${path} imports ${specifier}: ${room} may not see ${targetRoom}`]
    })
  })

/** A workspace room that has no arrows would be free to do anything. */
export const knownRooms = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  [...new Set(modules.filter(({ path }) => path.startsWith("packages/")).map(({ room }) => room))].flatMap(
    (room) =>
      room in visible ? [] : [`packages/${room} has no arrows: add it to scripts/architecture/arrows.ts`]
  )

const sdkFloors: ReadonlyArray<ReadonlyArray<string>> = [
  ["api"],
  ["client", "server"],
  ["daemon"],
  ["cli"],
  ["bin"]
]

/** The floors of the sdk. A folder that is on no floor serves them all; it does not see the command line. */
export const sdkArrows = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  modules.flatMap(({ path, imports }) => {
    const from = sdkPlace(path)
    if (from === undefined) return []
    return imports.flatMap(({ specifier, target }) => {
      const to = target === undefined ? undefined : sdkPlace(target)
      if (to === undefined || to === from || floorOf(to) === -1) return []
      const ceiling = floorOf(from) === -1 ? floorOf("cli") : floorOf(from)
      return floorOf(to) < ceiling
        ? []
        : [`${path} imports ${specifier}: in the sdk, ${from} may not see ${to}`]
    })
  })

/** No file leads back to itself. Types count: two files that need each other's types are one concept in two files. */
export const importCycles = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> => {
  const next = new Map(
    modules.map(({ path, imports }) => [path, imports.flatMap(({ target }) => target ?? [])])
  )
  const done = new Set<string>()
  const cycles: Array<Violation> = []
  const visit = (path: string, trail: ReadonlyArray<string>): void => {
    const start = trail.indexOf(path)
    if (start !== -1) cycles.push(`${[...trail.slice(start), path].join(" → ")} is a cycle`)
    if (start !== -1 || done.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const { path } of modules) visit(path, [])
  return cycles
}

// --- internal ---

/** The folder that relative imports stay in: the package, the flow or the example. */
const homeOf = (path: string): string => path.split("/").slice(0, 2).join("/")

/** `packages/sdk/src/cli/run.ts` and `packages/sdk/src/cli.ts` are both of the place `cli`. */
const sdkPlace = (path: string): string | undefined => /^packages\/sdk\/src\/([^/.]+)/.exec(path)?.[1]

const floorOf = (place: string): number => sdkFloors.findIndex((floor) => floor.includes(place))
