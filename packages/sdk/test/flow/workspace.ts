/** Real workspaces in temporary folders, for the tests of flows. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** A workspace that is removed at the end of its scope. */
export interface Workspace extends AsyncDisposable {
  /** Without symbolic links. */
  readonly root: string
  /** Writes files by path relative to the root, folders included. */
  readonly write: (files: Record<string, string>) => Promise<void>
}

export const makeWorkspace = async (files: Record<string, string> = {}): Promise<Workspace> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "flows-")))
  const write = async (more: Record<string, string>) => {
    for (const [path, text] of Object.entries(more)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
  }
  await write(files)
  return { root, write, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) }
}

/** A good manifest with one step; `step` and `rest` are added to it as they are. */
export const manifestText = (name: string, step = "", rest = ""): string => `name = "${name}"
version = 1

[[steps]]
name = "go"
runner = "bun"
script = "go.ts"
${step}
${rest}`
