/** The service behind `patchmoi serve`: how much it runs at once, and what it does not begin. */
import { expect } from "bun:test"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Backend from "../../src/daemon/Backend.ts"
import { createHttpFlowClient } from "../../src/http.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, makeEchoWorkspace } from "../client/support.ts"

const script = `
while (!(await Bun.file(process.cwd() + "/gate").exists())) await Bun.sleep(2)
console.log('FLOW_RESULT {"status":"completed"}')
`

/** How many attempts were under way at once, at most. */
const widest = async (baseUrl: string, runs: number): Promise<number> => {
  await using client = createHttpFlowClient({ baseUrl })
  let [running, most, ended] = [0, 0, 0]
  for await (const { type } of client.watch({ after: 0 })) {
    if (type === "AttemptStarted") running += 1
    if (type === "AttemptEnded") running -= 1
    if (type === "RunEnded") ended += 1
    most = Math.max(most, running)
    if (ended === runs) break
  }
  return most
}

for (const [title, engine, expected] of [
  ["there are cores", {}, availableParallelism()],
  ["it is told", { concurrency: availableParallelism() + 2 }, availableParallelism() + 2]
] as const) {
  it.live(`a backend runs as many steps at once as ${title}`, () =>
    Effect.gen(function* () {
      const workspace = yield* Effect.acquireRelease(
        Effect.promise(() => makeEchoWorkspace(flowFiles("gate", "demo.gate", script))),
        (made) => Effect.promise(async () => made[Symbol.asyncDispose]())
      )
      const { url } = yield* Backend.open({
        workspaceRoot: workspace.root,
        dataDir: join(workspace.root, "data"),
        env: { PATH: process.env["PATH"] },
        port: 0,
        engine
      })
      const runs = expected + 3
      yield* Effect.promise(async () => {
        await using client = createHttpFlowClient({ baseUrl: url })
        for (let id = 0; id < runs; id += 1) {
          await client.dispatchEvent({ id: String(id), type: "demo.gate" }, { wait: false })
        }
        const listed = async (status: "running" | "queued") => (await client.listRuns({ status })).runs.length
        await eventually("every slot is taken", async () => (await listed("running")) === expected)
        expect(await listed("queued")).toBe(3)
        await workspace.write({ "flows/gate/gate": "" })
        expect(await widest(url, runs)).toBe(expected)
      })
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
}

it.live("an address that others reach is refused without a secret before a record is made", () =>
  Effect.gen(function* () {
    const workspace = yield* Effect.acquireRelease(
      Effect.promise(() => makeEchoWorkspace()),
      (made) => Effect.promise(async () => made[Symbol.asyncDispose]())
    )
    const dataDir = join(workspace.root, "data")
    const refused = Backend.open({
      workspaceRoot: workspace.root,
      dataDir,
      env: {},
      host: "0.0.0.0",
      port: 0
    })
    expect(yield* Effect.flip(refused)).toMatchObject({ _tag: "SecretMissing" })
    expect(existsSync(dataDir)).toBe(false)
  })
)
