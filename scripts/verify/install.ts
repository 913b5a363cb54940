/**
 * Checks that what is installed fits together, because `bun install` does not: it takes a wrong set of peers without a
 * word and exits 0. `bun install --verbose` names them (`incorrect peer`), but only while it resolves; with a lockfile in
 * place it is silent, so the lockfile is read here by the same rule.
 *
 * Two copies of `effect` would mean two sets of service tags, and services that cannot find each other.
 */
import { realpath } from "node:fs/promises"
import { runCommand } from "./command.ts"
import { type Gate, outcomeOf } from "./gate.ts"

export const installGate: Gate = {
  name: "install",
  run: async ({ root }) => {
    const install = await runCommand(["bun", "install", "--verbose", "--frozen-lockfile"], { cwd: root })
    if (install.exitCode !== 0) return { passed: false, note: "bun install failed", output: install.output }
    const lock = Bun.JSONC.parse(await Bun.file(`${root}/bun.lock`).text()) as Lockfile
    const copies = await installedCopies(root, lock, "effect")
    return outcomeOf(
      [
        ...install.output.split("\n").filter((line) => line.includes("incorrect peer")),
        ...incorrectPeers(lock),
        ...(copies.length === 1
          ? []
          : [`Expected one installed copy of effect, found: ${copies.join(", ") || "none"}`])
      ],
      `${Object.keys(lock.packages).length} packages, one effect`
    )
  }
}

/** The part of `bun.lock` that says who needs whom. Every package is a list: its `name@version` first, then its needs. */
export interface Lockfile {
  readonly workspaces: Readonly<
    Record<string, LockedNeeds & { readonly name?: string; readonly version?: string }>
  >
  readonly packages: Readonly<Record<string, ReadonlyArray<unknown>>>
  readonly catalog?: Readonly<Record<string, string>>
}

interface LockedNeeds {
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalPeers?: ReadonlyArray<string>
}

/** One sentence for each peer that is missing or whose version is outside the range that was asked for. */
export const incorrectPeers = (lock: Lockfile): ReadonlyArray<string> => [
  ...Object.values(lock.workspaces).flatMap((workspace) =>
    peerProblems(lock, workspace.name ?? "the root", workspace)
  ),
  ...Object.entries(lock.packages).flatMap(([key, entry]) => peerProblems(lock, key, needsOf(entry)))
]

const peerProblems = (lock: Lockfile, key: string, needs: LockedNeeds): ReadonlyArray<string> =>
  Object.entries(needs.peerDependencies ?? {}).flatMap(([peer, asked]) => {
    const range = asked === "catalog:" ? (lock.catalog?.[peer] ?? asked) : asked
    const version = lockedVersion(lock, key, peer)
    if (version === undefined) {
      return needs.optionalPeers?.includes(peer)
        ? []
        : [`missing peer: ${key} asks for ${peer}@${range}, nothing is locked`]
    }
    return Bun.semver.satisfies(version, range.replace(/^workspace:/, ""))
      ? []
      : [`incorrect peer: ${key} asks for ${peer}@${range}, locked is ${version}`]
  })

/** A copy nested under the package that asks wins over the shared one. */
const lockedVersion = (lock: Lockfile, key: string, name: string): string | undefined => {
  const entry = lock.packages[`${key}/${name}`] ?? lock.packages[name]
  const resolved = typeof entry?.[0] === "string" ? entry[0].slice(name.length + 1) : undefined
  if (!resolved?.startsWith("workspace:")) return resolved
  return lock.workspaces[resolved.slice("workspace:".length)]?.version
}

/** A workspace has no needs here: it is listed under `workspaces`. A package has them in the one object of its list. */
const needsOf = (entry: ReadonlyArray<unknown>): LockedNeeds =>
  entry.find(
    (part): part is LockedNeeds => typeof part === "object" && part !== null && !Array.isArray(part)
  ) ?? {}

/** The distinct folders that the workspaces' imports of a package really lead to. */
const installedCopies = async (
  root: string,
  lock: Lockfile,
  name: string
): Promise<ReadonlyArray<string>> => {
  const folders = new Set<string>()
  for (const workspace of Object.keys(lock.workspaces)) {
    const manifest = `${root}/${workspace}/node_modules/${name}/package.json`
    if (await Bun.file(manifest).exists()) folders.add(await realpath(manifest))
  }
  return [...folders]
}
