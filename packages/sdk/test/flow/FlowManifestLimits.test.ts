/** `[steps.limits]`: what it takes, what it refuses, and how it comes into the plan of a step. */
import { describe, expect, test } from "bun:test"
import {
  StepPlan,
  stepCpuPercentMax,
  stepMemoryBytesMax,
  stepMemoryBytesMin,
  stepTasksMax
} from "@patchmoi/core/flow/Flow"
import * as Schema from "effect/Schema"
import { readManifest } from "../../src/flow/FlowManifest.ts"
import { manifestBounds } from "../../src/flow/FlowManifestKinds.ts"

const read = (limits: string) =>
  readManifest(
    "flow.toml",
    `name = "a"\nversion = 1\n[[steps]]\nname = "s"\nrunner = "bun"\nscript = "s.ts"\n[steps.limits]\n${limits}`
  )

const limitsOf = (limits: string) => read(limits).manifest?.steps[0]?.limits

describe("limits", () => {
  test("are kept in bytes, percent and counts", () => {
    expect(limitsOf('memory_max = "512M"\ncpu_quota = 150\ntasks_max = 64')).toEqual({
      memoryBytesMax: 536_870_912,
      cpuPercent: 150,
      tasksMax: 64
    })
  })

  const memories = [
    ["1048576", 1_048_576],
    ['"2097152"', 2_097_152],
    ['"2048K"', 2_097_152],
    ['"1M"', 1_048_576],
    ['"3G"', 3_221_225_472],
    ['"1T"', 1_099_511_627_776],
    ['"1024T"', stepMemoryBytesMax]
  ] as const
  test.each(memories.map((each) => [...each] as const))("memory_max = %s is %d bytes", (written, bytes) => {
    expect(limitsOf(`memory_max = ${written}`)).toEqual({ memoryBytesMax: bytes })
  })

  test("without a key limit nothing", () => {
    const { manifest, warnings } = read("")
    expect(warnings).toEqual([])
    expect(manifest?.steps[0]).not.toHaveProperty("limits")
  })

  const bad = [
    ["memory_max = 1048575", "memory_max", "1048575"],
    ["memory_max = 1125899906842625", "memory_max", "1125899906842625"],
    ["memory_max = 1048576.5", "memory_max", "1048576.5"],
    ['memory_max = "1.5G"', "memory_max", '"1.5G"'],
    ['memory_max = "512MB"', "memory_max", '"512MB"'],
    ['memory_max = "512m"', "memory_max", '"512m"'],
    ['memory_max = "-1G"', "memory_max", '"-1G"'],
    ['memory_max = "infinity"', "memory_max", '"infinity"'],
    ["memory_max = true", "memory_max", "true"],
    ["cpu_quota = 0", "cpu_quota", "0"],
    ["cpu_quota = 100001", "cpu_quota", "100001"],
    ['cpu_quota = "50%"', "cpu_quota", '"50%"'],
    ["tasks_max = 0", "tasks_max", "0"],
    ["tasks_max = 1000001", "tasks_max", "1000001"]
  ] as const
  test.each(bad.map((each) => [...each] as const))("%s is refused", (line, field, found) => {
    const { manifest, issues } = read(line)
    expect(manifest).toBeUndefined()
    expect(issues.map((issue) => [issue.field, issue.found])).toEqual([[`steps[0].limits.${field}`, found]])
  })

  test("warn of an unknown key and name the nearest", () => {
    expect(read("memory_maximum = 5\nmemorymax = 1").warnings).toEqual([
      "the key steps[0].limits.memory_maximum is not known and is ignored; did you mean memory_max?",
      "the key steps[0].limits.memorymax is not known and is ignored; did you mean memory_max?"
    ])
  })

  test("have the bounds of the core", () => {
    expect(manifestBounds).toMatchObject({
      memoryBytesMin: stepMemoryBytesMin,
      memoryBytesMax: stepMemoryBytesMax,
      cpuPercentMax: stepCpuPercentMax,
      tasksMax: stepTasksMax
    })
  })

  test("of a run that was queued before there were any are absent", () => {
    const plan = {
      ...{ runner: "bun", script: "/s", cwd: "/", timeoutMillis: 1, outputBytesMax: 1, priority: 0, env: [] },
      retry: { maxAttempts: 1, backoffMillis: 0, on: [] }
    }
    expect(Schema.decodeUnknownSync(StepPlan)(plan)).not.toHaveProperty("limits")
  })
})
