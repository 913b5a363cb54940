/** The errors that only a client on this machine gives; the others are in the contract. */
import { expect, test } from "bun:test"
import { appendFile, symlink } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import * as sdk from "../../src/index.ts"
import { echoEvent, rejection } from "../../src/testing/ClientContractPlace.ts"
import { makeEchoWorkspace } from "./support.ts"

const { createFlowClient, FlowClient } = sdk

/** Checks what every error of a client has to be: of its class, with facts and a message, and without our engine room. */
const expectError = <A extends sdk.FlowError>(
  error: unknown,
  kind: new (...options: never) => A,
  fields: object,
  message: string
): void => {
  expect(error).toBeInstanceOf(kind)
  expect(error).toBeInstanceOf(sdk.FlowError)
  expect(error).toBeInstanceOf(Error)
  if (!(error instanceof sdk.FlowError)) return
  expect(Object.fromEntries(Object.entries(error))).toEqual({ ...fields, _tag: kind.name, name: kind.name })
  expect(error.message).toContain(message)
  expect(error.stack).not.toMatch(/node_modules|effect\/src|fiberRuntime/)
}

test("a sources file that cannot be read is told with its place", async () => {
  await using workspace = await makeEchoWorkspace()
  await using client = createFlowClient({ mode: "local", cwd: workspace.root })
  const sourcesFile = join(workspace.root, "feed-sources.json")
  await Bun.write(sourcesFile, '{"sources": [')
  expectError(
    await rejection(client.pollSources({ sourcesFile })),
    sdk.SourcesFileError,
    { file: sourcesFile, atLine: 1, atColumn: expect.any(Number), reason: expect.any(String) },
    sourcesFile
  )
})

test("a client without state dispatches, explains, knows its ids while it is open, and refuses to be asked", async () => {
  await using workspace = await makeEchoWorkspace()
  await using client = createFlowClient({ mode: "local", cwd: workspace.root, state: false })
  expect((await client.dispatchEvent(echoEvent("1", { status: "changed" }))).runs[0]?.status).toBe("changed")
  expect((await client.dispatchEvent(echoEvent("1", { status: "changed" }))).status).toBe("duplicate")
  expect((await client.explainEvent(echoEvent("1"))).steps[0]?.matched).toBe(true)
  expect((await client.listFlows()).flows).toHaveLength(1)
  const asked = {
    replayEvent: client.replayEvent("1"),
    cancelRun: client.cancelRun("1"),
    getEvent: client.getEvent("1"),
    listEvents: client.listEvents(),
    getRun: client.getRun("1"),
    listRuns: client.listRuns(),
    watch: client.watch().next(),
    getMaintenanceAttempt: client.getMaintenanceAttempt("1"),
    listMaintenanceAttempts: client.listMaintenanceAttempts(),
    listDispatches: client.listDispatches()
  }
  const errors = await Promise.all(
    Object.entries(asked).map(async ([operation, asking]) => [operation, await rejection(asking)] as const)
  )
  for (const [operation, error] of errors) {
    expectError(error, sdk.StateDisabled, { operation }, "state")
  }
})

test("a second client on a folder is told who writes there, and opens once that one is closed", async () => {
  await using workspace = await makeEchoWorkspace()
  const options = { mode: "local", cwd: workspace.root, state: { kind: "file" } } as const
  const first = await FlowClient.open(options)
  const second = createFlowClient(options)
  const directory = join(workspace.root, ".codex/flow-client")
  const error = await rejection(second.listEvents())
  expectError(
    error,
    sdk.StoreLocked,
    {
      directory,
      file: expect.stringContaining(directory),
      owner: expect.objectContaining({ pid: process.pid, host: hostname(), released: false })
    },
    `process ${process.pid} on ${hostname()}`
  )
  expect(await rejection(FlowClient.open(options))).toBeInstanceOf(sdk.StoreLocked)
  await first.close()
  // The same client tries again, and nothing of the attempts before holds the folder.
  expect((await second.listEvents()).events).toEqual([])
  await second.close()
})

test("a damaged log is refused with its place, and gives the lock back", async () => {
  await using workspace = await makeEchoWorkspace()
  const dataDir = join(workspace.root, "data")
  const options = { mode: "local", cwd: workspace.root, state: { kind: "file", dataDir } } as const
  {
    await using client = await FlowClient.open(options)
    await client.dispatchEvent(echoEvent("1"))
    await client.dispatchEvent(echoEvent("2"))
  }
  const file = join(dataDir, "log/00000000000000000001.jsonl")
  const whole = await Bun.file(file).text()
  await Bun.write(file, whole.replace("demo.echo", "demo.ohce"))
  expectError(
    await rejection(FlowClient.open(options)),
    sdk.LogDamaged,
    { file, line: expect.any(Number), offset: expect.any(Number), reason: expect.any(String) },
    "patchmoi log repair"
  )
  await Bun.write(file, whole)
  await using client = await FlowClient.open(options)
  expect((await client.listEvents()).events).toHaveLength(2)
})

test("a torn tail is cut, and the client goes on", async () => {
  await using workspace = await makeEchoWorkspace()
  const dataDir = join(workspace.root, "data")
  const options = { mode: "local", cwd: workspace.root, state: { kind: "file", dataDir } } as const
  {
    await using client = await FlowClient.open(options)
    await client.dispatchEvent(echoEvent("1"))
  }
  await appendFile(join(dataDir, "log/00000000000000000001.jsonl"), '{"half a li')
  await using client = await FlowClient.open(options)
  expect((await client.listEvents()).events.map(({ id }) => id)).toEqual(["1"])
})

test("a record below a file is refused as no folder", async () => {
  await using workspace = await makeEchoWorkspace({ file: "not a folder" })
  const dataDir = join(workspace.root, "file/data")
  const error = await rejection(
    FlowClient.open({ mode: "local", cwd: workspace.root, state: { kind: "file", dataDir } })
  )
  const detail = expect.stringContaining("lies below a file")
  expectError(error, sdk.RecordUnusable, { dataDir, reason: "notAFolder", detail }, "lies below a file")
})

test("a folder that cannot be made is a StoreError that names it", async () => {
  await using workspace = await makeEchoWorkspace()
  const link = join(workspace.root, "link")
  await symlink(join(workspace.root, "gone/for/good"), link)
  const error = await rejection(
    FlowClient.open({ mode: "local", cwd: workspace.root, state: { kind: "file", dataDir: link } })
  )
  expectError(
    error,
    sdk.StoreError,
    { operation: expect.any(String), reason: expect.stringContaining(link) },
    link
  )
})
