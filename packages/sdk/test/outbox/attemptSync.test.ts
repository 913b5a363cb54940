/** `patchmoi attempt sync`, as a process of its own beside a backend that was away. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { FlowClient } from "../../src/index.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { makeEchoWorkspace } from "../client/support.ts"
import { backendSecret, dispatchesOf, makeSources, startEarlierBackend, whoRetried } from "./support.ts"

test("hands over what waits, and concludes what has ended there", async () => {
  const placeholder = startEarlierBackend()
  const { port, url } = placeholder
  await placeholder[Symbol.asyncDispose]()
  await using workspace = await makeEchoWorkspace()
  const sources = await makeSources(workspace.root, { workspaceUrl: url, workspaceSecretEnv: "OTHER" })
  const dataDir = join(workspace.root, "data")
  const env = { ...process.env, OTHER: backendSecret }
  const state = { kind: "sqlite", dataDir } as const
  const client = await FlowClient.open({ mode: "local", cwd: workspace.root, state, env })
  sources.publish("v1")
  await client.pollSources({ sourcesFile: sources.sourcesFile })
  await eventually(
    "it cannot be reached",
    async () => (await dispatchesOf(client))[0]?.failedTries !== undefined
  )
  const attemptId = (await client.listMaintenanceAttempts()).attempts[0]?.id ?? ""
  await client.close()
  await sources.forge[Symbol.asyncDispose]()

  await using backend = startEarlierBackend({ port })
  const sync = async () => {
    const child = Bun.spawn(
      [
        process.execPath,
        join(import.meta.dir, "../../src/bin.ts"),
        "attempt",
        "sync",
        attemptId,
        "--data-dir",
        dataDir,
        "--json"
      ],
      { env, cwd: workspace.root, stdout: "pipe", stderr: "pipe" }
    )
    const [said, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
    expect([await child.exited, complaint]).toEqual([0, ""])
    return JSON.parse(said)
  }
  expect(await sync()).toMatchObject({ status: "started", workspaceRunIds: [backend.runs[0]?.id] })
  backend.endRuns({ status: "changed", artifacts: { candidateRef: "refs/heads/candidate/v1" } })
  expect(await sync()).toMatchObject({
    status: "changed",
    candidateRefs: [{ ref: "refs/heads/candidate/v1" }]
  })
  expect(backend.received).toHaveLength(1)
  await using reader = await FlowClient.open({ mode: "local", cwd: workspace.root, state, env })
  expect(await whoRetried(reader)).toBe("command line")
})
