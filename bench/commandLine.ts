/**
 * The packaged command line (`bun run build`: a script that starts a bundle in byte code) as whole processes, against an empty Bun process
 * and the bare step. Run: `bun bench/commandLine.ts`. Reach: `flow list` at most 10 ×, `flow fire` at most 12 × an empty process.
 */
import { fileURLToPath } from "node:url"
import { measure, toMarkdown } from "./support.ts"
import { makeWorkspace, runProgram } from "./workspace.ts"

const packaged = fileURLToPath(new URL("../packages/sdk/dist/patchmoi", import.meta.url))

const main = async (): Promise<void> => {
  if (!(await Bun.file(packaged).exists())) throw new Error("Build the command line first: bun run build")
  await using workspace = await makeWorkspace()
  const { directory, empty, script, stdin, eventFile } = workspace
  const bun = process.execPath
  const patchmoi =
    (...args: ReadonlyArray<string>) =>
    () =>
      runProgram([packaged, ...args, "--cwd", directory])
  const table = await measure({
    name: "whole process",
    baseline: "empty Bun process",
    rounds: 31,
    variants: {
      "empty Bun process": () => runProgram([bun, empty]),
      "bare step": () => runProgram([bun, script], { stdin }),
      "patchmoi --version": () => runProgram([packaged, "--version"]),
      "patchmoi flow list": patchmoi("flow", "list"),
      "patchmoi flow fire": patchmoi("flow", "fire", "--event", eventFile)
    }
  })
  console.log(toMarkdown(table))
}

await main()
