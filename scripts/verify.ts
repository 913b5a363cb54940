/**
 * `bun run verify`: every check of the house, in order, one line each; what failed is shown in full. The last line is the
 * count, always exactly `N passed, N failed`: tests as bun counts them, and each other gate that failed as one failure.
 * Skipped tests are told on the line before.
 *
 * Arguments are handed to `bun test`. `TEST_LONG=1` (or `bun run test:long`) makes the sweeps run in full.
 */
import { dirname } from "node:path"
import { buildGate } from "./verify/build.ts"
import { effectRulesGate } from "./verify/effectRules.ts"
import type { Gate, House, Outcome, TestCount } from "./verify/gate.ts"
import { installGate } from "./verify/install.ts"
import { packGate } from "./verify/pack.ts"
import { formatAndLintGate, typesGate } from "./verify/statics.ts"
import { summaryOf } from "./verify/summary.ts"
import { testsGate } from "./verify/tests.ts"

/** Quick ones first; pack looks at what build wrote. The architecture test is one of the tests. */
const gates: ReadonlyArray<Gate> = [
  installGate,
  formatAndLintGate,
  typesGate,
  effectRulesGate,
  buildGate,
  packGate,
  testsGate
]

const house: House = { root: dirname(import.meta.dir), testArguments: process.argv.slice(2) }
let total: TestCount = { passed: 0, failed: 0, skipped: 0 }
for (const gate of gates) total = add(total, await show(gate))
console.log(`\n${summaryOf(total)}`)
process.exitCode = total.failed === 0 ? 0 : 1

async function show(gate: Gate): Promise<TestCount> {
  const startedAt = performance.now()
  // A person at a terminal sees what is being waited for; in a log only the finished line appears.
  if (process.stdout.isTTY) process.stdout.write(`… ${gate.name}`)
  const outcome = await run(gate)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[2K")
  console.log(
    `${outcome.passed ? "ok  " : "FAIL"} ${gate.name.padEnd(14)} ${seconds.padStart(6)} s  ${outcome.note}`
  )
  if (!outcome.passed) console.log(`\n${outcome.output}\n`)
  return outcome.tests ?? { passed: 0, failed: outcome.passed ? 0 : 1, skipped: 0 }
}

/** A gate that cannot run is a gate that failed; the others still run. */
async function run(gate: Gate): Promise<Outcome> {
  try {
    return await gate.run(house)
  } catch (cause) {
    return {
      passed: false,
      note: "could not run",
      output: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    }
  }
}

function add(left: TestCount, right: TestCount): TestCount {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped
  }
}
