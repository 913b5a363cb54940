import { describe, expect, test } from "bun:test"
import { call, errorOf, eventText, flowFiles, makeFolder, says } from "./support.ts"

const good = { name: "good", type: "release", script: says({ status: "completed", message: "done" }) }
const bad = { name: "bad", type: "release", script: "process.exit(3)\n" }

describe("flow list", () => {
  test("prints name, tab, folder; a broken flow goes to standard error and stops nothing", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [good]),
      "flows/broken/flow.toml": 'name = "broken"\nversion = "x"\n'
    })
    const { exitCode, stdout, stderr } = await call(["flow", "list"], { cwd: folder.path })
    expect(exitCode).toBe(0)
    expect(stdout).toBe(`alpha\t${folder.path}/flows/alpha\n`)
    expect(stderr).toContain(
      `broken ${folder.path}/flows/broken/flow.toml: version: expected a finite number, found "x"`
    )
  })

  test("a syntax error is told with its line, an unknown key as a warning", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [good]),
      "flows/alpha/flow.toml":
        'name = "alpha"\nversion = 1\ndescripton = "x"\n[[steps]]\nname = "good"\nrunner = "bun"\nscript = "good.ts"\n',
      "flows/broken/flow.toml": "name = \n"
    })
    const { stderr } = await call(["flow", "list"], { cwd: folder.path })
    expect(stderr).toContain("broken/flow.toml:1: ")
    expect(stderr).toContain(
      "warning alpha: the key descripton is not known and is ignored; did you mean description?"
    )
  })

  test("is a table on a terminal, and an object with --json", async () => {
    await using folder = await makeFolder(flowFiles("alpha", [good, bad]))
    const shown = await call(["flow", "list"], {
      cwd: folder.path,
      terminal: true,
      columns: 60,
      env: { NO_COLOR: "1" }
    })
    expect(shown.stdout.split("\n")[0]).toStartWith("FLOW   VERSION  STEPS")
    expect(shown.stdout).toContain("alpha  1        good, bad")
    const json = JSON.parse((await call(["flow", "list", "--json"], { cwd: folder.path })).stdout)
    expect(json.flows[0]).toMatchObject({ name: "alpha", root: `${folder.path}/flows/alpha` })
    expect(json.flows[0].steps[0].trigger).toEqual({ type: "release" })
  })

  test("says where it looked when there is none", async () => {
    await using folder = await makeFolder()
    const { exitCode, stderr } = await call(["flow", "list"], { cwd: folder.path })
    expect(exitCode).toBe(0)
    expect(stderr).toBe(`No flows in ${folder.path}/.codex/flows or ${folder.path}/flows\n`)
  })
})

describe("flow fire", () => {
  test("a step that fails loses no other's result; the exit code is 1", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [bad, good]),
      "e.json": eventText("e1", "release")
    })
    const { exitCode, stdout, stderr } = await call(["flow", "fire", "--event", "e.json"], {
      cwd: folder.path
    })
    expect(exitCode).toBe(1)
    const printed = JSON.parse(stdout)
    expect(printed).toMatchObject({ eventId: "e1", status: "accepted" })
    expect(printed.results).toMatchObject([
      { flow: "alpha", step: "bad", status: "failed", exit: { _tag: "ExitCode", code: 3 } },
      { flow: "alpha", step: "good", status: "completed", result: { status: "completed", message: "done" } }
    ])
    expect(printed.results[0].result).toBeUndefined()
    expect(stderr).toContain("alpha/good started\n")
    expect(stderr).toContain("alpha/good completed: done\n")
  })

  test("needs_intervention and blocked are exit code 10, whatever else failed", async () => {
    for (const status of ["needs_intervention", "blocked"]) {
      await using folder = await makeFolder({
        ...flowFiles("alpha", [bad, { ...good, script: says({ status }) }]),
        "e.json": eventText("e1", "release")
      })
      const called = await call(["flow", "fire", "--event", "e.json", "--json"], { cwd: folder.path })
      expect(called.exitCode).toBe(10)
      expect(called.stderr).toBe("")
    }
  })

  test("awaits the follow-ups that a result asks for, and prints their results", async () => {
    const next = [{ id: "e2", type: "second", payload: {} }]
    await using folder = await makeFolder({
      ...flowFiles("alpha", [
        { ...good, script: says({ status: "changed", next }) },
        {
          name: "slow",
          type: "second",
          script: `await Bun.sleep(50)\n${says({ status: "blocked" })}`
        }
      ]),
      "e.json": eventText("e1", "release")
    })
    const { exitCode, stdout } = await call(["flow", "fire", "--event", "e.json"], { cwd: folder.path })
    expect(exitCode).toBe(10)
    expect(JSON.parse(stdout).followUps).toMatchObject([
      { eventId: "e2", results: [{ step: "slow", result: { status: "blocked" } }] }
    ])
  })

  test("with a record, an event that is known executes nothing again and says so", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [good]),
      "e.json": eventText("e1", "release")
    })
    const fire = ["flow", "fire", "--event", "e.json"]
    const options = { cwd: folder.path, env: { DATA_DIR: "data" } }
    expect(JSON.parse((await call(fire, options)).stdout).status).toBe("accepted")
    const again = await call(fire, options)
    expect(JSON.parse(again.stdout)).toMatchObject({ status: "duplicate", idempotent: true })
    expect(again.stderr).toContain("The event e1 is known; nothing new was queued")
    expect((await call(["run", "list"], options)).stdout.trim().split("\n")).toHaveLength(1)
  })

  test("reads standard input, and prints a table on a terminal", async () => {
    await using folder = await makeFolder(flowFiles("alpha", [good]))
    const called = await call(["flow", "fire", "--event", "-"], {
      cwd: folder.path,
      input: eventText("e1", "release"),
      terminal: true,
      columns: 120,
      env: { NO_COLOR: "1" }
    })
    expect(called.exitCode).toBe(0)
    expect(called.stdout).toMatch(
      /e1\nSTATUS {5}FLOW {3}STEP {2}RUN +SAYS\ncompleted {2}alpha {2}good {2}run_/
    )
    expect(called.stderr).toEndWith("\r\u001b[2K")
  })

  test("an event that matches nothing is no failure", async () => {
    await using folder = await makeFolder({ "e.json": eventText("e1", "release") })
    const called = await call(["flow", "fire", "--event", "e.json", "--json"], { cwd: folder.path })
    expect(called).toMatchObject({ exitCode: 0, stderr: "" })
    expect(JSON.parse(called.stdout)).toMatchObject({ eventId: "e1", results: [] })
  })

  test("an event file that holds none is told with the file and the reason; exit code 1", async () => {
    await using folder = await makeFolder({
      "half.json": '{"id":"e1"}',
      "bad.json": "{",
      "blank.json": eventText("  ", "release")
    })
    const fire = (file: string) => call(["flow", "fire", "--event", file, "--json"], { cwd: folder.path })
    const messages = {
      "half.json": "event file must contain at least string id and type",
      "bad.json": "it is not JSON",
      "gone.json": "there is no such file"
    }
    for (const [file, message] of Object.entries(messages)) {
      const called = await fire(file)
      expect(called.exitCode).toBe(1)
      expect(errorOf(called)).toMatchObject({ code: "EventFileInvalid", file: `${folder.path}/${file}` })
      expect(String(errorOf(called)["message"])).toContain(message)
    }
    expect(errorOf(await fire("blank.json"))).toMatchObject({ code: "InvalidEvent", field: "id" })
  })

  test("an interruption cancels the runs, records that, and is exit code 130", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [{ ...good, script: "await Bun.sleep(60_000)\n" }]),
      "e.json": eventText("e1", "release")
    })
    const called = await call(["flow", "fire", "--event", "e.json", "--data-dir", "data"], {
      cwd: folder.path,
      onError: (text, interrupt) => {
        if (text.includes("started")) interrupt("SIGINT")
      }
    })
    expect(called.exitCode).toBe(130)
    expect(JSON.parse(called.stdout).results).toMatchObject([{ status: "canceled" }])
    const listed = await call(["run", "list", "--json", "--data-dir", "data"], { cwd: folder.path })
    expect(JSON.parse(listed.stdout).runs).toMatchObject([{ processStatus: "canceled" }])
    expect(listed.stdout).not.toContain('"running"')
  })
})

describe("flow run", () => {
  const seen =
    'const { runtime } = JSON.parse(await Bun.stdin.text())\nconsole.log("FLOW_RESULT " + JSON.stringify({ status: "completed", runtime }))\n'

  test("runs a step by its name, without a look at its trigger, and hands on the ids", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [{ name: "one", script: seen }]),
      "e.json": eventText("e1", "whatever")
    })
    const argv = ["flow", "run", "alpha", "one", "--event", "e.json"]
    const called = await call(
      [...argv, "--run-id", "r1", "--attempt-id", "a1", "--replay", "--workspace-backend-url", "ws://h"],
      { cwd: folder.path }
    )
    expect(called.exitCode).toBe(0)
    const { runtime, ...result } = JSON.parse(called.stdout).result
    expect({ ...JSON.parse(called.stdout), result }).toEqual({
      flow: "alpha",
      step: "one",
      result: { status: "completed" }
    })
    expect(runtime).toMatchObject({
      eventId: "e1",
      runId: "r1",
      attemptId: "a1",
      replay: true,
      workspaceBackendUrl: "ws://h"
    })
    const env = { CODEX_FLOW_RUN_ID: "r2", CODEX_FLOW_REPLAY: "yes" }
    const inherited = JSON.parse((await call(argv, { cwd: folder.path, env })).stdout)
    expect(inherited.result.runtime).toMatchObject({ runId: "r2", attemptId: "r2:attempt:1", replay: true })
  })

  test("names that are not there are told with the nearest", async () => {
    await using folder = await makeFolder({ ...flowFiles("alpha", [good]), "e.json": eventText("e1", "x") })
    const run = (...names: ReadonlyArray<string>) =>
      call(["flow", "run", ...names, "--event", "e.json"], { cwd: folder.path })
    expect(await run("alhpa", "good")).toMatchObject({
      exitCode: 1,
      stderr: "error: Unknown flow: alhpa; did you mean alpha?\n"
    })
    expect(await run("alpha", "godo")).toMatchObject({
      exitCode: 1,
      stderr: "error: Unknown step godo in flow alpha; did you mean good?\n"
    })
  })

  test("a failed step keeps the result that it printed before, with the error; exit code 1", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [{ name: "one", script: `${says({ status: "changed" })}process.exit(2)\n` }]),
      "e.json": eventText("e1", "x")
    })
    const called = await call(["flow", "run", "alpha", "one", "--event", "e.json", "--json"], {
      cwd: folder.path
    })
    expect(called.exitCode).toBe(1)
    expect(JSON.parse(called.stdout)).toMatchObject({
      result: { status: "changed" },
      exit: { _tag: "ExitCode", code: 2 }
    })
  })

  test("an interruption ends the step; exit code 130", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [{ name: "one", script: "await Bun.sleep(60_000)\n" }]),
      "e.json": eventText("e1", "x")
    })
    const called = await call(["flow", "run", "alpha", "one", "--event", "e.json"], {
      cwd: folder.path,
      onError: (text, interrupt) => {
        if (text.includes("started")) interrupt("SIGTERM")
      }
    })
    expect(called.exitCode).toBe(130)
    expect(called.stderr).toEndWith("error: alpha/one was interrupted\n")
  })
})

describe("flow explain", () => {
  test("says for each step whether it matches and why not", async () => {
    await using folder = await makeFolder({
      ...flowFiles("alpha", [
        good,
        { name: "other", type: "push", script: "" },
        { name: "named", script: "" }
      ]),
      "e.json": eventText("e1", "release")
    })
    const lines = (await call(["flow", "explain", "--event", "e.json"], { cwd: folder.path })).stdout
    expect(lines).toBe(
      "yes\talpha\tgood\t\nno\talpha\tother\tevent type release does not match push\nno\talpha\tnamed\tstep has no trigger\n"
    )
    const json = await call(["flow", "explain", "--event", "e.json", "--json"], { cwd: folder.path })
    expect(JSON.parse(json.stdout).steps[0]).toMatchObject({ flowName: "alpha", matched: true })
    const shown = await call(["flow", "explain", "--event", "e.json"], { cwd: folder.path, terminal: true })
    expect(shown.stdout).toContain("MATCHES")
  })
})
