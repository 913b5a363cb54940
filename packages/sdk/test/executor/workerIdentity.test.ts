/** Names of engines, asked about real processes: living ones, ended ones, and numbers that were given out again. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { isWorkerDead, makeWorkerId } from "../../src/executor/workerIdentity.ts"

const isDead = (workerId: string): boolean => Effect.runSync(isWorkerDead(workerId))

/** The name that an engine in this process has. */
const ownName = (): string => {
  const name = Effect.runSync(makeWorkerId)
  if (name === undefined) throw new Error("this machine has no /proc")
  return name
}

/** A process that tells the name of its engine, and lives until it is killed. */
const startNeighbour = async () => {
  const script = `
    import * as Effect from "effect/Effect"
    import { makeWorkerId } from ${JSON.stringify(import.meta.resolve("../../src/executor/workerIdentity.ts"))}
    console.log(Effect.runSync(makeWorkerId))
    setInterval(() => {}, 1_000)
  `
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: import.meta.dir, stdout: "pipe" })
  const { value } = await child.stdout.getReader().read()
  return { child, name: new TextDecoder().decode(value).trim() }
}

test("a process is alive until it ends, also when it is not a child of whoever asks", async () => {
  const { child, name } = await startNeighbour()
  expect(name.split(".")[1]).toBe(String(child.pid))
  expect([isDead(name), isDead(ownName())]).toEqual([false, false])
  // Stopped is not dead.
  child.kill("SIGSTOP")
  expect(isDead(name)).toBe(false)
  child.kill("SIGKILL")
  await child.exited
  expect(isDead(name)).toBe(true)
})

test("a number that belongs to another process by now says that its first owner is gone", () => {
  const [engine, pid, ticks, place] = ownName().split(".")
  expect(isDead([engine, pid, Number(ticks) - 1, place].join("."))).toBe(true)
  expect(isDead([engine, pid, ticks, place].join("."))).toBe(false)
})

test("nothing is said of another boot, another namespace, or a name that is none of these", () => {
  const [engine, , ticks] = ownName().split(".")
  for (const name of [
    // The number of a process that there cannot be.
    [engine, 4_194_305, ticks, "0".repeat(12)].join("."),
    "engine-1a2b3c4d",
    "engine-1a.1",
    "my worker.1.1.000000000000",
    ""
  ]) {
    expect([name, isDead(name)]).toEqual([name, false])
  }
})

test("two engines of one process have two names", () => {
  expect(ownName()).not.toBe(ownName())
})
