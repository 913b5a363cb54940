/** `docs/dependencies.md` speaks of every package that a `package.json` names, and of none that is gone. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Glob } from "bun"

const root = join(import.meta.dir, "../..")
const page = await Bun.file(join(root, "docs/dependencies.md")).text()

type Names = Readonly<Record<string, string>>

interface Manifest {
  readonly dependencies?: Names
  readonly devDependencies?: Names
  readonly peerDependencies?: Names
  readonly optionalDependencies?: Names
  readonly workspaces?: { readonly catalog?: Names }
}

const dependencies = async (): Promise<ReadonlyArray<string>> => {
  const names = new Set<string>()
  const folders = ["", "packages/*/", "examples/*/", "flows/*/"]
  for (const path of folders.flatMap((at) => [...new Glob(`${at}package.json`).scanSync({ cwd: root })])) {
    const manifest: Manifest = await Bun.file(join(root, path)).json()
    const { dependencies, devDependencies, peerDependencies, optionalDependencies, workspaces } = manifest
    for (const group of [
      dependencies,
      devDependencies,
      peerDependencies,
      optionalDependencies,
      workspaces?.catalog
    ])
      for (const name of Object.keys(group ?? {})) names.add(name)
  }
  return [...names].sort()
}

/** The packages of the first column of the page's tables. */
const documented = (text: string): ReadonlyArray<string> =>
  text
    .split("\n")
    .flatMap((line) => [...(/^\| (`[^|]+) \|/.exec(line)?.[1] ?? "").matchAll(/`([^`]+)`/g)])
    .flatMap(([, name]) => name ?? [])
    .sort()

test("every dependency has its row, and every row its dependency", async () => {
  expect(documented(page)).toEqual([...(await dependencies())])
})

test("every row says what the package does for us", () => {
  const rows = page.split("\n").filter((line) => /^\| `/.test(line))
  expect(rows.length).toBeGreaterThan(5)
  for (const row of rows) expect(row.split(" | ")[1]?.length ?? 0, row).toBeGreaterThan(2)
})

test("the successor of @effect/schema is named", () => {
  expect(page).toContain("`effect/Schema` is the successor of the package `@effect/schema`")
})
