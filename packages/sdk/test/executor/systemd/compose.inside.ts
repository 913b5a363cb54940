/** The local layer with the systemd executor. Run by `SystemdExecutor.test.ts` under a user manager of its own. */
import { expect } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { layerLocal } from "../../../src/compose.ts"
import { Flow } from "../../../src/Flow.ts"
import { makeStepFolder } from "../stepFolder.ts"

const { folder: workspaceRoot } = makeStepFolder()

const manifest = `name = "where"
version = 1

[[steps]]
name = "look"
runner = "bun"
script = "look.ts"

[steps.trigger]
type = "look"

[steps.limits]
memory_max = "256M"
`

const script = `import { readFileSync } from "node:fs"
export default () => ({ status: "completed", artifacts: { group: readFileSync("/proc/self/cgroup", "utf8") } })
`

const dispatch = Effect.fnUntraced(function* (executor: "bun" | "systemd-run", id: string) {
  const flow = join(workspaceRoot, "flows/where")
  yield* Effect.promise(async () => {
    await mkdir(flow, { recursive: true })
    await Bun.write(join(flow, "flow.toml"), manifest)
    await Bun.write(join(flow, "look.ts"), script)
  })
  const { runs } = yield* Effect.provide(
    Effect.flatMap(Flow, (service) => service.dispatchEvent({ id, type: "look", payload: {} })),
    layerLocal({
      workspaceRoot,
      state: { kind: "memory" },
      environment: { mode: "service", values: process.env, secrets: [] },
      executor
    })
  )
  return runs[0]
})

it.live("runs the steps of events in units", () =>
  Effect.gen(function* () {
    const run = yield* dispatch("systemd-run", "event-1")
    expect(run?.effectiveStatus).toBe("completed")
    expect(JSON.stringify(run?.resultPayload)).toMatch(
      /patchmoi-run_[0-9a-f]{32}:attempt:1-[0-9a-f]{8}\.service/
    )
    expect(run?.output).toEqual([expect.objectContaining({ kind: "stdout" })])
  })
)

it.live("the executor bun runs them without, and says that the limits do not hold", () =>
  Effect.gen(function* () {
    const run = yield* dispatch("bun", "event-2")
    expect(run?.effectiveStatus).toBe("completed")
    expect(JSON.stringify(run?.resultPayload)).not.toContain("patchmoi-run_")
    expect(JSON.stringify(run?.output)).toContain("does not hold this step to the [steps.limits]")
  })
)
