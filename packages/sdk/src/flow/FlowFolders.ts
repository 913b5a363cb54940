/**
 * Finds the flows of a workspace: the folders with a `flow.toml` in each root. Needs nothing of Effect, so that
 * a command that only lists flows starts in a few milliseconds.
 *
 * Invariants:
 * 1. One broken manifest stops no other flow; it is listed with all that is wrong.
 * 2. The first good flow of a name wins: roots in order, folders in code-unit order. The others are told in its warnings.
 * 3. A folder is one flow, however many symbolic links lead to it.
 * 4. Nothing that is unchanged is read or parsed again, and a snapshot without a change is the same object.
 */
import { readdirSync } from "node:fs"
import { join, resolve } from "node:path"
import type { BrokenFlow, CatalogSnapshot, Flow } from "@patchmoi/core/flow/Flow"
import { type CheckOf, FlowFolderReader, type FoundFolder, manifestFileName } from "./FlowFolder.ts"
import { errorCode, realPathOf } from "./FlowPaths.ts"

/** Most folders that are looked at in one root. What is beyond is told as broken, not read. */
export const foldersPerRootMax = 1_000

/** Where flows are looked for. */
export interface FlowFoldersOptions {
  /** The workspace. Files of a flow must lie in it or in the flow folder. */
  readonly workspaceRoot: string
  /** Folders that hold flow folders, relative to the workspace or absolute. Default: `.codex/flows`, then `flows`. */
  readonly roots?: ReadonlyArray<string>
}

/** The roots of a workspace that names none. An installed copy comes before the workspace's own. */
export const flowRootsDefault: ReadonlyArray<string> = [join(".codex", "flows"), "flows"]

/** The flows of one workspace, looked up anew at each {@link FlowFolders.read}. */
export class FlowFolders {
  readonly #workspace: string
  readonly #roots: ReadonlyArray<string>
  readonly #reader: FlowFolderReader
  #warned = new Map<Flow, { readonly notes: string; readonly flow: Flow }>()
  #last: CatalogSnapshot = { flows: [], broken: [] }

  /** `checkOf` makes the check of a trigger's schema, once per version of the file; without it triggers have none. */
  constructor(options: FlowFoldersOptions, checkOf?: CheckOf) {
    this.#reader = new FlowFolderReader(checkOf)
    this.#workspace = resolve(options.workspaceRoot)
    this.#roots = (options.roots ?? flowRootsDefault).map((root) => resolve(this.#workspace, root))
  }

  /** All flows as they are now. Never throws: what cannot be read is listed as broken. */
  read(): CatalogSnapshot {
    const workspaceReal = realPathOf(this.#workspace).path ?? this.#workspace
    const seen = new Set<string>()
    const children = this.#roots.flatMap(listRoot).filter((child) => {
      if (child.kind === "broken") return true
      const isNew = !seen.has(child.folderReal)
      seen.add(child.folderReal)
      return isNew
    })
    const found = children.map((child) =>
      child.kind === "broken"
        ? child
        : this.#reader.read({ folder: child.folder, folderReal: child.folderReal, workspaceReal })
    )
    this.#reader.sweep()
    return this.#snapshot(found.filter((each) => each !== undefined))
  }

  #snapshot(found: ReadonlyArray<FoundFolder>): CatalogSnapshot {
    const winners = new Map<string, { readonly flow: Flow; readonly notes: Array<string> }>()
    const brokenNames = new Map<string, string>()
    const broken: Array<BrokenFlow> = []
    for (const each of found) {
      if (each.kind === "broken") {
        broken.push(each.broken)
        if (each.name !== undefined && !winners.has(each.name)) brokenNames.set(each.name, each.broken.root)
        continue
      }
      const { flow } = each
      const winner = winners.get(flow.name)
      if (winner !== undefined) {
        winner.notes.push(`${flow.root} holds a flow of the same name, which is shadowed by this one`)
        continue
      }
      const better = brokenNames.get(flow.name)
      const notes =
        better === undefined ? [] : [`stands in for the flow of the same name in ${better}, which is broken`]
      winners.set(flow.name, { flow, notes })
    }
    const warned = new Map<Flow, { readonly notes: string; readonly flow: Flow }>()
    const flows = [...winners.values()].map(({ flow, notes }) => {
      if (notes.length === 0) return flow
      const key = notes.join("\n")
      const known = this.#warned.get(flow)
      const entry =
        known?.notes === key
          ? known
          : { notes: key, flow: { ...flow, warnings: [...flow.warnings, ...notes] } }
      warned.set(flow, entry)
      return entry.flow
    })
    this.#warned = warned
    const last = this.#last
    const same = isSameList(last.flows, flows) && JSON.stringify(last.broken) === JSON.stringify(broken)
    if (!same) this.#last = { flows, broken }
    return this.#last
  }
}

const isSameList = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>): boolean =>
  left.length === right.length && left.every((each, index) => each === right[index])

type BrokenFolder = Extract<FoundFolder, { kind: "broken" }>

interface Child {
  readonly kind: "folder"
  readonly folder: string
  readonly folderReal: string
}

/** The folders of a root in code-unit order, links followed. A root that is not there has none. */
const listRoot = (root: string): ReadonlyArray<Child | BrokenFolder> => {
  try {
    const entries = readdirSync(root, { withFileTypes: true })
    const names = entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => entry.name)
      .sort((left, right) => (left < right ? -1 : 1))
    const children = names.slice(0, foldersPerRootMax).map((name) => childOf(join(root, name)))
    const left = names.length - foldersPerRootMax
    return left > 0
      ? [...children, broken(root, `holds ${left} folders more than the ${foldersPerRootMax} that are read`)]
      : children
  } catch (cause) {
    const code = errorCode(cause)
    return code === "ENOENT" ? [] : [broken(root, `cannot be listed (${code})`)]
  }
}

const childOf = (folder: string): Child | BrokenFolder => {
  const real = realPathOf(folder)
  if (real.path !== undefined) return { kind: "folder", folder, folderReal: real.path }
  const why = real.code === "ENOENT" ? "is a link to nothing" : `cannot be followed (${real.code})`
  return broken(folder, why)
}

const broken = (root: string, message: string): BrokenFolder => ({
  kind: "broken",
  state: message,
  broken: { root, file: join(root, manifestFileName), issues: [{ file: root, message }] }
})
