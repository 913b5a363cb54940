/**
 * Runs every test of the workspace in one `bun test` process and counts from the summary that it prints to stderr last:
 * ` 12 pass`, ` 1 skip`, ` 1 todo`, ` 0 fail`, ` 1 error`. A missing summary is a failure, never a pass.
 */
import { runCommand } from "./command.ts"
import type { Gate, TestCount } from "./gate.ts"

/**
 * A test that spins never reaches bun's own time limit, and would hold the gate for ever. The last file that the output
 * names is then the one that hangs.
 */
const testsMillisMax = 15 * 60_000
const longTestsMillisMax = 4 * 60 * 60_000

/** How long one test may take that names no limit of its own: real processes on a busy machine need more than bun's 5 s. */
const testMillisMax = 30_000

export const testsGate: Gate = {
  name: "tests",
  run: async ({ root, testArguments }) => {
    const result = await runCommand(
      ["bun", "test", "--only-failures", `--timeout=${testMillisMax}`, ...testArguments],
      {
        cwd: root,
        timeoutMillis: Bun.env["TEST_LONG"] === "1" ? longTestsMillisMax : testsMillisMax
      }
    )
    const tests = countTests(result.stderr, result.exitCode)
    return {
      passed: tests.failed === 0 && tests.passed > 0,
      note: `${tests.passed} passed, ${tests.failed} failed${tests.skipped > 0 ? `, ${tests.skipped} skipped` : ""}`,
      output: result.output,
      tests: tests.failed === 0 && tests.passed === 0 ? { ...tests, failed: 1 } : tests
    }
  }
}

/**
 * The count in a summary. An error outside a test (a file that does not load) counts as a failure; so does an exit code
 * that says failure while the summary does not, and a summary that is not there.
 */
export const countTests = (summary: string, exitCode: number): TestCount => {
  const count = (word: string): number | undefined => {
    const found = [...summary.matchAll(new RegExp(`^ *(\\d+) ${word}s?$`, "gm"))].at(-1)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const failures = (count("fail") ?? 0) + (count("error") ?? 0)
  const broken = count("pass") === undefined || exitCode !== 0
  return {
    passed: count("pass") ?? 0,
    failed: failures === 0 && broken ? 1 : failures,
    skipped: (count("skip") ?? 0) + (count("todo") ?? 0)
  }
}
