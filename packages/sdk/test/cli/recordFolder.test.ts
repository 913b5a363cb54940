/** Which folder a command takes for the record when nobody says: the client's, or the backend's where only that is there. */
import { expect, test } from "bun:test"
import { rename } from "node:fs/promises"
import { join } from "node:path"
import { call, eventText, flowFiles, makeFolder, says } from "./support.ts"

/** A folder with a record where a backend keeps its own. */
const makeRecord = async () => {
  const folder = await makeFolder({
    ...flowFiles("alpha", [{ name: "good", type: "release", script: says({ status: "completed" }) }]),
    "e1.json": eventText("e1", "release")
  })
  const fired = await call(["flow", "fire", "--event", "e1.json", "--data-dir", ".codex/flow-backend"], {
    cwd: folder.path
  })
  expect(fired.exitCode).toBe(0)
  return folder
}

test("the record of a backend is used where there is no other, and that is said", async () => {
  await using folder = await makeRecord()
  const calling = (...argv: ReadonlyArray<string>) => call(argv, { cwd: folder.path })
  const note = `Using the record of the backend, ${folder.path}/.codex/flow-backend\n`
  for (const argv of [
    ["event", "list"],
    ["run", "list"],
    ["attempt", "list"],
    ["log", "verify"]
  ]) {
    const { exitCode, stderr } = await calling(...argv)
    expect([argv, exitCode, stderr.startsWith(note)]).toEqual([argv, 0, true])
  }
  // JSON is for programs: nothing beside it.
  const listed = await calling("event", "list", "--json")
  expect([listed.exitCode, listed.stderr]).toEqual([0, ""])
  expect(JSON.parse(listed.stdout).events).toMatchObject([{ id: "e1" }])
})

test("the record of a client comes first, and so does whatever folder is named", async () => {
  await using folder = await makeRecord()
  const calling = (argv: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
    call(argv, { cwd: folder.path, env })
  for (const called of [
    await calling(["event", "list", "--data-dir", "none"]),
    await calling(["event", "list"], { DATA_DIR: "none" }),
    await calling(["event", "list"], { CODEX_FLOW_BACKEND_DATA_DIR: "none" })
  ]) {
    expect(called).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: `There is no record in ${folder.path}/none yet\n`
    })
  }
  // A folder that holds something else is no record either.
  expect((await calling(["event", "list", "--data-dir", "."])).stderr).toBe(
    `There is no record in ${folder.path} yet\n`
  )
  await call(["flow", "fire", "--event", "e1.json", "--data-dir", "other"], { cwd: folder.path })
  await rename(join(folder.path, "other"), join(folder.path, ".codex/flow-client"))
  expect((await calling(["event", "list"])).stderr).toBe("")
})
