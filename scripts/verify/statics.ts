/** Format, lint and types: one tool each, over the whole workspace. */
import { localProgram, runCommand } from "./command.ts"
import type { Gate, Outcome } from "./gate.ts"

/** A warning is a failure: what need not be obeyed need not be said. */
export const formatAndLintGate: Gate = {
  name: "format, lint",
  run: ({ root }) =>
    pass(
      root,
      [localProgram(root, "biome"), "check", "--error-on-warnings", "--max-diagnostics=200", "."],
      /Checked (\d+) files/
    )
}

export const typesGate: Gate = {
  name: "types",
  run: ({ root }) =>
    pass(root, [localProgram(root, "tsc"), "--project", root, "--listFilesOnly"], undefined).then(
      async (listed) => {
        const files = listed.output
          .split("\n")
          .filter((file) => file.startsWith(`${root}/`) && !file.includes("/node_modules/"))
        if (files.length === 0) return { ...listed, passed: false, note: "no file was checked" }
        const checked = await pass(root, [localProgram(root, "tsc"), "--project", root], undefined)
        return { ...checked, note: checked.passed ? `${files.length} files` : checked.note }
      }
    )
}

const pass = async (
  root: string,
  command: ReadonlyArray<string>,
  files: RegExp | undefined
): Promise<Outcome> => {
  const result = await runCommand(command, { cwd: root })
  const count = files?.exec(result.output)?.[1]
  const passed = result.exitCode === 0 && count !== "0" && (files === undefined || count !== undefined)
  return {
    passed,
    note: passed ? (count === undefined ? "" : `${count} files`) : `exit code ${result.exitCode}`,
    output: result.output
  }
}
