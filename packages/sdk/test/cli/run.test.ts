/** `patchmoi run …` over a record in files and one in SQLite: what it does, what it prints, how it ends. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import type { RunId } from "@patchmoi/core/Ids"
import { storeKinds } from "../../src/record/storeKinds.ts"
import { type LeftRecord, leaveQueued, leaveRunning } from "./leftRecord.ts"
import { type Called, call, errorOf, eventText, flowFiles, makeFolder, says } from "./support.ts"

const asks = (choices: string): string => `
const { runtime } = JSON.parse(await Bun.stdin.text())
const { approval } = runtime
const result = approval === undefined || approval.comment === "ask again"
  ? { status: "blocked", message: "asks", artifacts: { approval: { prompt: "Publish?", ${choices} } } }
  : { status: "changed", message: [approval.decision, approval.choice, approval.by, approval.comment].join("/") }
console.log("FLOW_RESULT " + JSON.stringify(result))
`

for (const kind of storeKinds) {
  describe(`over a record in ${kind}`, () => {
    let folder: Awaited<ReturnType<typeof makeFolder>>
    let record: LeftRecord
    let count = 0

    const calling = (...argv: ReadonlyArray<string>): Promise<Called> =>
      call(argv, { cwd: folder.path, env: { DATA_DIR: record.dataDir } })
    const json = async (...argv: ReadonlyArray<string>) =>
      JSON.parse((await calling(...argv, "--json")).stdout)

    /** The only run of an event of this type, which is new. */
    const firedRun = async (type: string): Promise<string> => {
      const id = `e${count++}`
      await folder.write(`${id}.json`, eventText(id, type))
      const { stdout } = await calling("flow", "fire", "--event", `${id}.json`, "--store", kind)
      return JSON.parse(stdout).results[0].runId
    }
    const queuedRun = async (): Promise<RunId> => {
      const [runIds = []] = await leaveQueued(record, [{ id: `e${count++}`, type: "plain" }])
      const [runId] = runIds
      if (runId === undefined) throw new Error("no run was queued")
      return runId
    }

    beforeAll(async () => {
      folder = await makeFolder(
        flowFiles("publish", [
          { name: "offers", type: "offers", script: asks('choices: ["now", "tonight"]') },
          { name: "asks", type: "asks", script: asks("") },
          { name: "plain", type: "plain", script: says({ status: "completed", message: "done" }) },
          { name: "fails", type: "fails", script: "process.exit(3)\n" }
        ])
      )
      record = { workspace: folder.path, dataDir: join(folder.path, "data"), kind }
    })
    afterAll(() => folder[Symbol.asyncDispose]())

    describe("approve and reject", () => {
      test("approve: the run runs again and is told the choice; show has the question and who decided", async () => {
        const run = await firedRun("offers")
        const waiting = await calling("run", "show", run)
        expect(waiting.exitCode).toBe(0)
        expect(waiting.stdout).toContain("status\tblocked\n")
        expect(waiting.stdout).toContain("needs attention\tyes\n")
        expect(waiting.stdout).toContain("waits for\tapproval: Publish?\nchoices\tnow, tonight\n")
        expect((await json("run", "show", run)).waitingOn).toEqual({
          _tag: "Approval",
          prompt: "Publish?",
          choices: ["now", "tonight"]
        })
        const approved = await calling(
          ...["run", "approve", run, "--choice", "tonight", "--by", "ada", "--comment", "go"]
        )
        expect(approved.exitCode).toBe(0)
        expect(JSON.parse(approved.stdout)).toMatchObject({
          decision: "approved",
          results: [{ runId: run, status: "changed", result: { message: "approved/tonight/ada/go" } }]
        })
        expect(approved.stderr).toContain("publish/offers changed: approved/tonight/ada/go\n")
        const shown = await calling("run", "show", run)
        expect(shown.stdout).toMatch(/\tapproved\ttonight\tada\tgo\tPublish\?\n/)
        expect(shown.stdout).not.toContain("waits for")
        expect((await json("run", "show", run)).approvals).toMatchObject([
          { decision: "approved", choice: "tonight", by: "ada", comment: "go", prompt: "Publish?" }
        ])
      })

      test("reject: the run runs again as well; without --by the command line decides", async () => {
        const run = await firedRun("asks")
        const rejected = await calling("run", "reject", run, "--json")
        expect(rejected.exitCode).toBe(0)
        expect(JSON.parse(rejected.stdout)).toMatchObject({
          decision: "rejected",
          results: [{ status: "changed", result: { message: "rejected//command line/" } }]
        })
      })

      test("a run that asks again is exit code 10, and can be decided again", async () => {
        const run = await firedRun("asks")
        const again = await calling("run", "approve", run, "--comment", "ask again")
        expect(again.exitCode).toBe(10)
        expect(JSON.parse(again.stdout).results).toMatchObject([{ status: "blocked" }])
        expect((await calling("run", "reject", run)).exitCode).toBe(0)
        expect((await json("run", "show", run)).approvals).toHaveLength(2)
      })

      test("a choice that is not offered, and any choice where none is, is refused and changes nothing", async () => {
        const run = await firedRun("offers")
        const wrong = await calling("run", "approve", run, "--choice", "never", "--json")
        expect(wrong).toMatchObject({ exitCode: 1, stdout: "" })
        expect(errorOf(wrong)).toMatchObject({ code: "InvalidDecision", runId: run, field: "choice" })
        const told = await calling("run", "approve", run, "--choice", "never")
        expect(told.stderr).toContain('found "never", and the question offers "now", "tonight"')
        const open = await firedRun("asks")
        const none = await calling("run", "approve", open, "--choice", "now")
        expect(none).toMatchObject({ exitCode: 1, stdout: "" })
        expect(none.stderr).toContain("the question offers none")
        const long = await calling("run", "reject", run, "--comment", "x".repeat(4_001), "--json")
        expect(errorOf(long)).toMatchObject({ code: "InvalidDecision", field: "comment" })
        expect((await json("run", "show", run)).waitingOn?._tag).toBe("Approval")
      })

      for (const decide of ["approve", "reject"]) {
        test(`${decide}: a run that is not there, or does not wait, is exit code 1`, async () => {
          const unknown = await calling("run", decide, "run_none")
          expect(unknown).toEqual({ exitCode: 1, stdout: "", stderr: "error: Unknown run: run_none\n" })
          expect(errorOf(await calling("run", decide, "run_none", "--json"))).toMatchObject({
            code: "UnknownRun",
            runId: "run_none"
          })
          const done = await firedRun("plain")
          const notWaiting = await calling("run", decide, done, "--json")
          expect(notWaiting).toMatchObject({ exitCode: 1, stdout: "" })
          expect(errorOf(notWaiting)).toMatchObject({
            code: "RunNotAwaitingApproval",
            runId: done,
            status: "completed"
          })
          expect((await calling("run", decide, done)).stderr).toContain(done)
        })

        test(`${decide}: without an id, or with a flag that it does not have, is exit code 2`, async () => {
          expect((await calling("run", decide)).exitCode).toBe(2)
          expect((await calling("run", decide, "run_none", "--nope")).exitCode).toBe(2)
          expect(errorOf(await calling("run", decide, "--json"))).toMatchObject({ code: "UsageError" })
        })
      }

      test("reject takes no choice", async () => {
        expect((await calling("run", "reject", "run_none", "--choice", "now")).exitCode).toBe(2)
      })
    })

    describe("show", () => {
      test("a run that failed says how; one that is queued says what it waits for", async () => {
        const failed = await calling("run", "show", await firedRun("fails"))
        expect(failed.exitCode).toBe(0)
        expect(failed.stdout).toContain("status\tfailed\n")
        expect(failed.stdout).toContain("exit\tcode 3\n")
        const queued = await queuedRun()
        expect((await calling("run", "show", queued)).stdout).toContain("waits for\ta free slot\n")
        expect((await calling("run", "cancel", queued)).exitCode).toBe(0)
      })

      test("a run that is not there is exit code 1, none named is exit code 2", async () => {
        const unknown = await calling("run", "show", "run_none", "--json")
        expect(unknown).toMatchObject({ exitCode: 1, stdout: "" })
        expect(errorOf(unknown)).toMatchObject({ code: "UnknownRun", runId: "run_none" })
        expect((await calling("run", "show")).exitCode).toBe(2)
      })
    })

    describe("cancel", () => {
      test("a queued run ends as canceled, with who and why; doing it again changes nothing", async () => {
        const run = await queuedRun()
        const canceled = await calling("run", "cancel", run, "--reason", "not today")
        expect(canceled.exitCode).toBe(0)
        expect(canceled.stdout).toContain("status\tcanceled\n")
        expect(canceled.stdout).toContain("cancel reason\tnot today\n")
        expect(await json("run", "cancel", run)).toMatchObject({
          id: run,
          processStatus: "canceled",
          cancelReason: "not today",
          attemptCount: 0
        })
      })

      test("a run whose worker is gone ends as canceled", async () => {
        const run = await queuedRun()
        await leaveRunning(record, run)
        expect(await json("run", "cancel", run)).toMatchObject({ processStatus: "canceled", attemptCount: 1 })
      })

      test("a run that has ended, or is not there, is exit code 1", async () => {
        const done = await firedRun("plain")
        const ended = await calling("run", "cancel", done, "--json")
        expect(ended).toMatchObject({ exitCode: 1, stdout: "" })
        expect(errorOf(ended)).toMatchObject({ code: "RunAlreadyEnded", processStatus: "completed" })
        expect(await calling("run", "cancel", "run_none")).toEqual({
          exitCode: 1,
          stdout: "",
          stderr: "error: Unknown run: run_none\n"
        })
        expect((await calling("run", "cancel")).exitCode).toBe(2)
      })
    })

    describe("stuck", () => {
      /** Whoever writes a database writes its leases into it; those of a record in files are in the memory of its writer. */
      const seesLeases = kind === "sqlite"

      test("nothing is stuck while runs wait for a slot, a decision, or nothing", async () => {
        await firedRun("asks")
        const queued = await queuedRun()
        const looked = await calling("run", "stuck")
        expect(looked).toMatchObject({ exitCode: 0, stdout: "" })
        expect(looked.stderr).toStartWith("0 stuck; 1 wait for a slot, 0 for their worker, 0 for a time, ")
        expect(looked.stderr).not.toContain("Cannot see")
        const all = await calling("run", "stuck", "--all")
        expect(all.exitCode).toBe(0)
        expect(all.stdout).toContain(`${queued}\tqueued\tpublish/plain\ta free slot\n`)
        expect(all.stdout).toContain("\tpublish/asks\tapproval: Publish?\n")
        expect(await json("run", "stuck")).toMatchObject({ leasesVisible: seesLeases, runs: [] })
        expect((await calling("run", "cancel", queued)).exitCode).toBe(0)
      })

      test("a run whose worker went without its lease: told where leases are seen, and where they are not, that", async () => {
        const run = await queuedRun()
        await leaveRunning(record, run)
        const looked = await calling("run", "stuck")
        if (seesLeases) {
          expect(looked.exitCode).toBe(10)
          expect(looked.stdout).toStartWith(
            `${run}\trunning\tpublish/plain\tnothing: worker gone has no lease`
          )
          expect(looked.stderr).toStartWith("1 stuck; ")
          expect(looked.stderr).not.toContain("Cannot see")
        } else {
          expect(looked).toMatchObject({ exitCode: 0, stdout: "" })
          expect(looked.stderr).toContain("0 stuck; 0 wait for a slot, 1 for their worker")
          expect(looked.stderr).toContain("Cannot see from here whether the worker of a running run is still")
          expect(looked.stderr).toContain("One run may wait for a worker that is gone")
        }
        const report = await json("run", "stuck")
        expect(report.leasesVisible).toBe(seesLeases)
        expect(report.counts).toMatchObject(seesLeases ? { Stuck: 1, Lease: 0 } : { Stuck: 0, Lease: 1 })
        expect((await calling("run", "cancel", run)).exitCode).toBe(0)
        expect((await calling("run", "stuck")).exitCode).toBe(0)
      })

      test("a run under a lease that holds waits for its worker; one whose lease ran out is stuck", async () => {
        const [holds, ranOut] = [await queuedRun(), await queuedRun()]
        const until = new Date("2999-01-01T00:00:00.000Z")
        await leaveRunning(record, holds, until.getTime())
        await leaveRunning(record, ranOut, 1_000)
        const looked = await calling("run", "stuck", "--all")
        expect(looked.exitCode).toBe(seesLeases ? 10 : 0)
        const waits = seesLeases ? `worker gone, which holds it until ${until.toISOString()}` : "worker gone"
        expect(looked.stdout).toContain(`${holds}\trunning\tpublish/plain\t${waits}\n`)
        const gone = seesLeases
          ? "nothing: the lease of worker gone ran out at 1970-01-01T00:00:01.000Z"
          : "worker gone\n"
        expect(looked.stdout).toContain(`${ranOut}\trunning\tpublish/plain\t${gone}`)
        if (!seesLeases) expect(looked.stderr).toContain("2 runs may wait for a worker that is gone")
      })

      test("a flag that it does not have is exit code 2", async () => {
        expect((await calling("run", "stuck", "--nope")).exitCode).toBe(2)
      })
    })
  })
}
