/** `docs/reference/environment.md` against the code: every variable that is read has its place, and none is made up. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { Glob } from "bun"
import { basicNames, gitNames } from "../../packages/git/src/internal/environment.ts"
import { variables } from "../../packages/sdk/src/cli/variables.ts"
import { isSecretName, secretNames, serviceNames } from "../../packages/sdk/src/executor/StepEnvironment.ts"

const root = join(import.meta.dir, "../..")
const page = await Bun.file(join(root, "docs/reference/environment.md")).text()
const named = new Set(
  [...page.matchAll(/`([A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]*|[A-Z]{3,})`/g)].map(([, name]) => name)
)

/** Source texts in these folders, by path. */
const textsIn = async (folders: ReadonlyArray<string>): Promise<ReadonlyMap<string, string>> => {
  const texts = new Map<string, string>()
  for (const folder of folders) {
    for (const path of new Glob(`${folder}/**/*.{ts,mjs}`).scanSync({ cwd: root })) {
      if (!path.includes("node_modules")) texts.set(path, await Bun.file(join(root, path)).text())
    }
  }
  return texts
}

const sources = await textsIn(["packages/*/src", "examples/*/src", "flows", "scripts", "bench"])
const tests = await textsIn(["packages/*/test", "test"])
const everything = [...sources.values(), ...tests.values()].join("\n")

const section = (title: string): string => page.split(`## ${title}\n`)[1]?.split("\n## ")[0] ?? ""

test("every variable that a source reads is on the page", () => {
  const reads = [...sources].flatMap(([path, text]) =>
    [...text.matchAll(/\benv(?:ironment\.values)?(?:\["|\.|, ")([A-Z][A-Z0-9_]{2,})\b/g)].map(
      ([, name]) => `${name} (${path})`
    )
  )
  expect(reads.length).toBeGreaterThan(5)
  expect(reads.filter((read) => !named.has(read.split(" ")[0]))).toEqual([])
})

test("every name on the page is one that the code or a test knows", () => {
  const unknown = [...named].filter((name) => name !== undefined && !everything.includes(name))
  // Shown as examples of what never passes.
  expect(unknown.filter((name) => name !== "GIT_DIR" && name !== "GIT_INDEX_FILE")).toEqual([])
})

test("every variable of the command line has a row", () => {
  const rows = section("The command line")
  expect(Object.keys(variables).filter((name) => !rows.includes(`| \`${name}\` |`))).toEqual([])
})

test("what a service hands on, what never passes and what git gets are complete", () => {
  const missing = (names: Iterable<string>, title: string) =>
    [...names].filter((name) => !section(title).includes(`\`${name}\``))
  expect(missing(serviceNames, "What a step gets")).toEqual([])
  expect(missing(secretNames, "What never reaches a step")).toEqual([])
  expect(missing([...basicNames, ...gitNames], "What git gets")).toEqual([])
})

test("the shapes of secret names are those of the code", () => {
  const words = [...section("What never reaches a step").matchAll(/`([A-Z_]+)`/g)].map(
    ([, word = ""]) => word
  )
  const beginnings = words.filter((word) => word.endsWith("_") && word !== "DISCORD_")
  const endings = ["SECRET", "SECRETS", "TOKEN", "PASSWORD", "API_KEY", "PRIVATE_KEY"]
  expect(endings.filter((ending) => !words.includes(ending))).toEqual([])
  expect(beginnings).toEqual(["PATCH_", "PATCHMOI_", "CODEX_FLOW_", "CODEX_WORKSPACE_"])
  for (const beginning of beginnings) {
    for (const ending of endings) expect(isSecretName(`${beginning}OF_${ending}`, [])).toBe(true)
  }
  expect(isSecretName("DISCORD_OPS_WEBHOOK_URL", [])).toBe(true)
  expect(isSecretName("GITHUB_TOKEN", [])).toBe(false)
})
