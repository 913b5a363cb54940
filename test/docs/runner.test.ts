/** The runner of code blocks itself: what is wrong in a page fails, with the page and the line. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { join } from "node:path"
import { differenceOf } from "../../scripts/docs/expectedOutput.ts"
import { blocksOf } from "../../scripts/docs/pages.ts"
import { makeScratch, type Scratch } from "../../scripts/docs/scratch.ts"
import { runPage } from "../../scripts/docs/session.ts"
import { typeErrors } from "../../scripts/docs/typeCheck.ts"

const root = join(import.meta.dir, "../..")
let scratch: Scratch
let pages = 0

beforeAll(async () => {
  scratch = await makeScratch(root)
})
afterAll(() => scratch[Symbol.asyncDispose]())

const fence = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\`\n`

const run = (text: string, blockMillisMax?: number) => {
  pages += 1
  const blocks = blocksOf({ path: `docs/page-${pages}.md`, text })
  return runPage(scratch, blocks, blockMillisMax === undefined ? {} : { blockMillisMax })
}

test("folder, variables and files hold from block to block", async () => {
  const page = [
    fence("json data/a.json", '{"a": 1}'),
    fence("sh", "cd data\nexport NAME='a b'\nlocal_name=1"),
    fence("sh", 'echo "$NAME $(declare -p local_name 2>&1 | tail -c 10)"\ncat a.json'),
    fence("text output", 'a   b not found\n{"a": 1}'),
    fence("sh", "echo one\necho two >&2"),
    fence("text stderr", "two"),
    fence("ts add.ts", "export const add = (a: number, b: number): number => a + b"),
    fence("ts", 'import { add } from "./add.ts"\nif (add(1, 2) !== 3) throw new Error("no sum")'),
    fence("sh exit=3", "exit 3"),
    fence("text", "anything"),
    fence('sh norun="needs the network"', "exit 1")
  ].join("text between\n")
  const { ran, shown, skipped } = await run(page)
  expect({ ran, shown }).toEqual({ ran: 9, shown: 1 })
  expect(skipped).toEqual([expect.stringMatching(/^docs\/page-\d+\.md:\d+: needs the network$/)])
})

test("what is wrong in a block fails its page", async () => {
  await expect(run(fence("sh", "echo before; false; echo after"))).rejects.toThrow(
    /:1 ended with 1, not 0\nbefore/
  )
  await expect(run(fence("sh exit=10", "true"))).rejects.toThrow("ended with 0, not 10")
  await expect(run(fence("sh", "false | true"))).rejects.toThrow("ended with 1")
  await expect(run(fence("json", "{'a': 1}"))).rejects.toThrow("is no json")
  await expect(run(fence("jsonl", '{"a": 1}\n{'))).rejects.toThrow("is no jsonl")
  await expect(run(fence("toml", "a = "))).rejects.toThrow("is no toml")
  await expect(run(fence("xml", "<a><b></a>"))).rejects.toThrow("is no xml")
  await expect(run(fence("ts", 'throw new Error("broken")'))).rejects.toThrow("broken")
  await expect(run(fence("sh", "echo one") + fence("text output", "two"))).rejects.toThrow(
    "not printed there: two"
  )
  await expect(run(fence("cobol", "STOP RUN."))).rejects.toThrow(
    'nothing here runs blocks of the language "cobol"'
  )
})

test("a test block runs its tests, and a step block is run as a step", async () => {
  const failing = 'import { expect, test } from "bun:test"\ntest("sum", () => expect(1 + 1).toBe(3))'
  await expect(run(fence("ts", failing))).rejects.toThrow("ended with 1")
  const step = (status: string) =>
    `import { defineBunFlow } from "@patchmoi/sdk/step"\nexport default defineBunFlow(() => ({ status: "${status}" }))`
  expect((await run(fence("ts", step("completed")))).ran).toBe(1)
  await expect(run(fence("ts", step("failed")))).rejects.toThrow("ended with 1")
})

test("a block that does not end is stopped, and what a block leaves running ends with its page", async () => {
  await expect(run(fence("sh", "sleep 60"), 200)).rejects.toThrow("was not done after 0.2 s")
  await run(fence("sh", "sleep 60 &\necho $! > pid"))
  const pid = Number(await Bun.file(join(scratch.root, "pages", `docs-page-${pages}`, "pid")).text())
  const deadline = performance.now() + 5_000
  const isAlive = async () =>
    /^\d+ \(.*\) [^Z]/.test(
      await Bun.file(`/proc/${pid}/stat`)
        .text()
        .catch(() => "")
    )
  while ((await isAlive()) && performance.now() < deadline) await Bun.sleep(10)
  expect(await isAlive()).toBe(false)
})

test("a type error is told with the line of the page", async () => {
  const text = `# Title\n\n${fence("ts", 'const a: number = "text"\nexport { a }')}`
  const blocks = blocksOf({ path: "docs/types.md", text })
  const errors = await typeErrors(root, scratch, blocks)
  expect(errors).toEqual(["docs/types.md:4 error TS2322: Type 'string' is not assignable to type 'number'."])
})

test("an info string that means nothing is refused", () => {
  const read = (info: string) => () => blocksOf({ path: "docs/a.md", text: fence(info, "x") })
  expect(read('sh norun=""')).toThrow("docs/a.md:1: norun needs a reason")
  expect(read("sh a b")).toThrow('docs/a.md:1: "b" means nothing here')
  expect(read("json ../out.json")).toThrow("lies outside the scratch folder")
  expect(read("")).toThrow("docs/a.md:1: the block names no language")
  expect(() => blocksOf({ path: "docs/a.md", text: "```sh\nls" })).toThrow(
    "docs/a.md:1: the block is never closed"
  )
})

test("shown output: lines in order, … for any text and for lines between", () => {
  expect(differenceOf("one\n…\nrun_… ended", "one\ntwo\nrun_12 ended\n")).toBeUndefined()
  expect(differenceOf("one\ntwo", "one\nand\ntwo")).toContain("two")
  expect(differenceOf("one", "one\ntwo")).toContain("more is printed")
  expect(differenceOf("one\n…", "one\ntwo")).toBeUndefined()
  expect(differenceOf("a.c", "abc")).toContain("a.c")
})
