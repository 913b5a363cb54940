/**
 * The engine inside one process: a dispatch that matches nothing, and an event from accepted to its run completed,
 * against the bare step as a process. Run: `bun bench/dispatch.ts`. Reach: accepted to completed at most 1.5 × the bare step.
 */
import { join } from "node:path"
import { FlowClient } from "../packages/sdk/src/index.ts"
import { measure, toMarkdown } from "./support.ts"
import { eventType, makeWorkspace, runProgram } from "./workspace.ts"

const main = async (): Promise<void> => {
  await using workspace = await makeWorkspace()
  const { directory: cwd } = workspace
  await using memory = await FlowClient.open({ mode: "local", cwd, state: "memory" })
  await using file = await FlowClient.open({
    mode: "local",
    cwd,
    state: { kind: "file", dataDir: join(cwd, "data") }
  })
  let count = 0
  const dispatch = (client: FlowClient, type: string) => async () => {
    count += 1
    const { runs } = await client.dispatchEvent({
      id: `event-${count}`,
      type,
      payload: { note: "n".repeat(200) }
    })
    const expected = type === eventType ? "completed" : undefined
    if (runs[0]?.status !== expected)
      throw new Error(`the run ended as ${runs[0]?.status}: ${runs[0]?.error}`)
  }
  const table = await measure({
    name: "one event",
    baseline: "bare step",
    warmupRounds: 150,
    rounds: 101,
    variants: {
      "bare step": () => runProgram([process.execPath, workspace.script], { stdin: workspace.stdin }),
      "accepted to completed, memory": dispatch(memory, eventType),
      "accepted to completed, file": dispatch(file, eventType),
      "dispatch without a match, memory": dispatch(memory, "bench.other"),
      "dispatch without a match, file": dispatch(file, "bench.other")
    }
  })
  console.log(toMarkdown(table))
}

await main()
