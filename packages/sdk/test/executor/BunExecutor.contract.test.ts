import { join } from "node:path"
import { executorContract, type FloodReport } from "@patchmoi/core/testing/ExecutorContract"
import { layer } from "../../src/executor/BunExecutor.ts"
import { makeStepFolder } from "./stepFolder.ts"

const steps = makeStepFolder()

executorContract("bun", {
  runner: "bun",
  layer: layer({
    environment: { mode: "service", values: process.env, secrets: [] },
    killGrace: "300 millis",
    outputGrace: "300 millis"
  }),
  writeStep: (name, text) => steps.write(text, `${name}.ts`),
  // 1 GiB in full, a quarter of it by default.
  floodBytes: process.env["TEST_LONG"] === "1" ? 1_073_741_824 : 268_435_456,
  measureFlood: async (step, outputBytes) => {
    const probe = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "fixtures/floodProbe.ts"),
        step.script,
        step.cwd,
        String(outputBytes)
      ],
      { stdout: "pipe", stderr: "inherit" }
    )
    const report: FloodReport = JSON.parse(await new Response(probe.stdout).text())
    return report
  }
})
