import { expect, test } from "bun:test"
import { call, makeFolder } from "./support.ts"

const scriptFor = async (shell: string): Promise<string> => {
  await using folder = await makeFolder()
  const { exitCode, stdout, stderr } = await call(["completions", shell], { cwd: folder.path })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
  return stdout
}

/** Runs a script in a shell, and gives what it prints. */
const inShell = async (argv: ReadonlyArray<string>, input: string): Promise<string> => {
  const child = Bun.spawn([...argv], { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" })
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect(stderr).toBe("")
  return stdout.trim()
}

test("bash proposes nouns, verbs, options and their values", async () => {
  const script = await scriptFor("bash")
  const propose = (...words: ReadonlyArray<string>): Promise<string> =>
    inShell(
      ["bash", "--norc"],
      `${script}\nCOMP_WORDS=(${["patchmoi", ...words].map((word) => `'${word}'`).join(" ")})\nCOMP_CWORD=${words.length}\n_patchmoi\necho "\${COMPREPLY[*]}"\n`
    )
  expect(await propose("f")).toBe("flow")
  expect(await propose("flow", "")).toBe("list fire run explain --help")
  expect(await propose("flow", "list", "--j")).toBe("--json")
  expect(await propose("run", "list", "--status", "need")).toBe("needs_intervention")
  expect(await propose("attempt", "list", "--status", "q")).toBe("")
  expect(await propose("completions", "")).toContain("bash zsh fish")
  expect(await propose("flow", "list", "--cwd", "/tm")).toBe("/tmp")
})

test("every command and option is in each script", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const script = await scriptFor(shell)
    for (const word of [
      "needs-attention",
      "workspace-backend-url",
      "rebuild",
      "watch",
      "needs_intervention"
    ]) {
      expect(script).toContain(word)
    }
  }
})

test("with --json, the script is a field", async () => {
  await using folder = await makeFolder()
  const { stdout } = await call(["completions", "fish", "--json"], { cwd: folder.path })
  expect(JSON.parse(stdout)).toMatchObject({ shell: "fish" })
})
