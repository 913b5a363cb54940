import { expect, test } from "bun:test"
import { cp, mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { createFlowClient } from "@patchmoi/sdk"
import { cascade, type TargetOutcome } from "@patchmoi/sdk/cascade"
import { isolated, makeDownstreams } from "./downstreams.ts"

const file = ".runtime-version"
const house = join(import.meta.dir, "..", "..", "..", "..")

// For calls in this process.
Object.assign(process.env, { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" })

test("the packaged flow writes a published version, keeps the record, and does nothing twice", async () => {
  await using world = await makeDownstreams()
  const { workspace } = world
  const web = await world.add("web", { [file]: "1.0.0\n" })
  const api = await world.add("api", { [file]: "1.0.0\n" })
  await writeFile(
    join(workspace, "cascade.toml"),
    `name = "runtime"\nattempts = 1\ntargets = ${JSON.stringify([web, api])}\n`
  )
  const flow = join(workspace, "flows", "cascade-version")
  await cp(join(house, "flows", "cascade-version"), flow, {
    recursive: true,
    filter: (path) => !path.endsWith("node_modules")
  })
  await mkdir(join(workspace, "node_modules", "@patchmoi"), { recursive: true })
  await symlink(join(house, "packages", "sdk"), join(workspace, "node_modules", "@patchmoi", "sdk"))
  const fire = async (id: string, version: string, env: Record<string, string> = {}) => {
    await using client = createFlowClient({ mode: "local", cwd: workspace, env: { ...isolated, ...env } })
    const payload = { packageName: "acme-runtime", version }
    const { runs } = await client.dispatchEvent({ id, type: "downstream.release", payload })
    return runs[0]?.resultPayload
  }

  const planned = await fire("e1", "1.1.0")
  expect(planned).toMatchObject({
    status: "completed",
    message: expect.stringContaining("2 write; push is off")
  })
  expect(world.git("web", "rev-list", "--count", "main")).toBe("1")

  world.server.faultsOf.set("api.git", { declinePush: "not now" })
  const open = { CODEX_FLOW_PUSH: "1" }
  const half = await fire("e2", "1.1.0", open)
  expect(half).toMatchObject({ status: "failed", message: expect.stringContaining("1 written, 1 failed") })
  expect(half?.artifacts).toMatchObject({
    cascade: {
      name: "runtime",
      version: "1.1.0",
      finished: true,
      tries: [
        { target: web, outcome: "written" },
        { target: api, outcome: "failed", code: "HookDeclined" }
      ]
    }
  })
  world.server.faultsOf.clear()
  expect(await fire("e3", "1.1.0", open)).toMatchObject({
    status: "changed",
    message: "runtime 1.1.0: 1 written, 1 up-to-date"
  })
  expect(await fire("e4", "1.1.0", open)).toMatchObject({ status: "completed" })
  expect(world.git("web", "rev-list", "--count", "main")).toBe("2")
  await world.person("web", { [file]: "1.0.7\n" })
  expect(await fire("e5", "1.2.0", open)).toMatchObject({ status: "needs_intervention" })
  expect(await fire("e6", "1 2", open)).toMatchObject({ status: "blocked" })
})

test("a program plans and applies, and is told of each target", async () => {
  await using world = await makeDownstreams()
  const web = await world.add("web", { [file]: "1.0.0\n" })
  const config = join(world.workspace, "cascade.toml")
  await writeFile(config, `name = "runtime"\ntargets = ${JSON.stringify([web])}\n`)
  const told: Array<string> = []
  const plan = await cascade.plan({ config, version: "1.1.0", onTarget: ({ intent }) => told.push(intent) })
  expect(plan.entries).toMatchObject([{ intent: "write", current: "1.0.0" }])
  const outcomes: Array<TargetOutcome["status"]> = []
  const report = await cascade.apply(plan, { onOutcome: ({ status }) => outcomes.push(status) })
  expect(report.status).toBe("completed")
  expect([...told, ...outcomes]).toEqual(["write", "written"])
  // The same plan again finds what it wrote.
  expect((await cascade.apply(plan)).outcomes).toMatchObject([{ status: "up-to-date" }])
  expect(world.git("web", "rev-list", "--count", "main")).toBe("2")
  await expect(cascade.plan({ config, version: "--help" })).rejects.toMatchObject({ _tag: "InvalidVersion" })
  await expect(cascade.plan({ config: "none.toml", version: "1" })).rejects.toMatchObject({
    _tag: "CascadeConfigInvalid"
  })
  await expect(cascade.plan({ config, version: "1.2.0", signal: AbortSignal.abort() })).rejects.toBeDefined()
})
