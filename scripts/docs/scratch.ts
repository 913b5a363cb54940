/**
 * The folder in which the blocks of the documentation run: a workspace where the packages of this repository are installed
 * and `patchmoi` is on the path, as it is for a reader who has just installed them.
 */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Glob } from "bun"

export interface Scratch extends AsyncDisposable {
  /** Absolute. */
  readonly root: string
  /**
   * The environment of every block: little of the machine's, nothing of its git configuration, and in `PATCHMOI` the folder of
   * this repository, as the tutorials ask for it.
   */
  readonly env: Readonly<Record<string, string>>
  /** Makes a folder for a page, empty. */
  readonly folderOf: (page: string) => Promise<string>
}

/** Makes the folder; disposing removes it. */
export const makeScratch = async (repository: string): Promise<Scratch> => {
  const root = await mkdtemp(join(tmpdir(), "patchmoi-docs-"))
  await installPackages(repository, join(root, "node_modules"))
  const bin = join(root, "bin")
  await mkdir(join(root, "home"))
  await mkdir(bin)
  await writeFile(
    join(bin, "patchmoi"),
    `#!/bin/sh\nexec "${process.execPath}" "${repository}/packages/sdk/src/bin.ts" "$@"\n`
  )
  await chmod(join(bin, "patchmoi"), 0o755)
  return {
    root,
    env: { ...environmentOf(root, bin), PATCHMOI: repository },
    folderOf: async (page) => {
      const folder = join(root, "pages", slugOf(page))
      await mkdir(folder, { recursive: true })
      return folder
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true })
  }
}

/** The name of a page's folder. */
export const slugOf = (page: string): string => page.replace(/\.md$/, "").replaceAll(/[^\w-]+/g, "-")

// --- internal ---

const installPackages = async (repository: string, modules: string): Promise<void> => {
  await mkdir(join(modules, "@patchmoi"), { recursive: true })
  for await (const path of new Glob("packages/*/package.json").scan({ cwd: repository })) {
    const { name }: { readonly name: string } = await Bun.file(join(repository, path)).json()
    await symlink(join(repository, dirname(path)), join(modules, name), "dir")
  }
  for (const name of ["effect", "@types"]) {
    await symlink(join(repository, "node_modules", name), join(modules, name), "dir")
  }
}

const environmentOf = (root: string, bin: string): Record<string, string> => ({
  PATH: [bin, dirname(process.execPath), process.env["PATH"] ?? ""].join(":"),
  HOME: join(root, "home"),
  LANG: "C.UTF-8",
  TMPDIR: tmpdir(),
  NO_COLOR: "1",
  // A file of its own: git replaces the file that it writes its settings to, and a page may well write some.
  GIT_CONFIG_GLOBAL: join(root, "gitconfig"),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ada Reader",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada Reader",
  GIT_COMMITTER_EMAIL: "ada@example.com"
})
