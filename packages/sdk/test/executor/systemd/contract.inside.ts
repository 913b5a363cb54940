/** The executor contract over the systemd executor. Run by `SystemdExecutor.test.ts` under a user manager of its own. */
import { join } from "node:path"
import { executorContract, type FloodReport } from "@patchmoi/core/testing/ExecutorContract"
import * as Layer from "effect/Layer"
import { layer } from "../../../src/executor/SystemdExecutor.ts"
import { makeStepFolder } from "../stepFolder.ts"

const steps = makeStepFolder()

executorContract("systemd-run", {
  runner: "bun",
  layer: Layer.orDie(
    layer({
      environment: { mode: "service", values: process.env, secrets: [] },
      killGrace: "300 millis",
      outputGrace: "300 millis"
    })
  ),
  writeStep: (name, text) => steps.write(text, `${name}.ts`),
  floodBytes: process.env["TEST_LONG"] === "1" ? 1_073_741_824 : 134_217_728,
  measureFlood: async (step, outputBytes) => {
    const probe = join(import.meta.dir, "../fixtures/floodProbe.ts")
    const child = Bun.spawn(
      [process.execPath, probe, step.script, step.cwd, String(outputBytes), "systemd-run"],
      {
        stdout: "pipe",
        stderr: "inherit"
      }
    )
    const report: FloodReport = JSON.parse(await child.stdout.text())
    return report
  }
})
