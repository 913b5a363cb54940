/** The executor in the forms in which the command line is shipped: there is no source tree beside it then. */
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeStepFolder } from "./stepFolder.ts"

const steps = makeStepFolder()
const folder = mkdtempSync(join(tmpdir(), "patchmoi-packaged-"))
afterAll(() => rm(folder, { recursive: true, force: true }))

const output = async (argv: ReadonlyArray<string>): Promise<string> => {
  const child = Bun.spawn([...argv], { cwd: folder, stdout: "pipe", stderr: "pipe" })
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text()
  ])
  expect(code, stderr).toBe(0)
  return stdout
}

const forms = [
  [
    "a minified bundle",
    ["--target", "bun", "--minify", "--outfile", "bundle.js"],
    [process.execPath, "bundle.js"]
  ],
  [
    "a bundle in byte code",
    ["--target", "bun", "--format", "cjs", "--minify", "--bytecode", "--outdir", "bytes"],
    [process.execPath, "bytes/packagedProbe.js"]
  ],
  ["a compiled program", ["--compile", "--minify", "--outfile", "program"], ["./program"]]
] as const

const texts = [
  ["module", 'export default (context) => ({ status: "changed", message: context.flow.step })'],
  [
    "raw",
    'const c = await Bun.stdin.json(); console.log("FLOW_RESULT " + JSON.stringify({ status: "changed", message: c.flow.step }))'
  ]
] as const

test.each(forms.map((form) => [...form] as const))(
  "%s runs raw and module-style steps",
  async (_, build, program) => {
    const probe = join(import.meta.dir, "fixtures/packagedProbe.ts")
    await output([process.execPath, "build", probe, "--external", "bun:test", ...build])
    for (const [style, text] of texts) {
      const { script, cwd } = await steps.write(text, `${style}.ts`)
      expect(JSON.parse(await output([...program, script, cwd]))).toEqual({
        exit: { _tag: "ExitCode", code: 0 },
        result: { status: "changed", message: "step" }
      })
    }
  },
  60_000
)
