/**
 * The steps that the executor contract runs, by behaviour. Each text is a raw Bun script; an executor whose
 * steps are something else writes its own for the same name.
 */

const result = (json: string): string => `console.log('FLOW_RESULT ${json}')`

const sleepLong = "await Bun.sleep(60_000)"

const spawnSleeper = `const sleeper = Bun.spawn(["sleep", "60"], { stdin: "ignore", stdout: "inherit", stderr: "inherit" })
console.log("pid " + sleeper.pid)`

/** The behaviours, and how a raw Bun step has each of them. */
export const contractSteps = {
  completed: `await Bun.stdin.text()\n${result('{"status":"completed","message":"done","artifacts":{"n":1},"extra":[1]}')}`,
  skipped: result('{"status":"skipped"}'),
  changed: result('{"status":"changed"}'),
  needsIntervention: result('{"status":"needs_intervention"}'),
  blocked: result('{"status":"blocked"}'),
  failed: result('{"status":"failed"}'),
  badJson: result('{"status":"completed"'),
  badStatus: result('{"status":"done"}'),
  noResult: 'console.log("nothing to see")',
  twoResults: `${result('{"status":"blocked"}')}\n${result('{"status":"changed"}')}\nconsole.log("after")`,
  exitWithResult: `${result('{"status":"changed"}')}\nconsole.error("it broke here")\nprocess.exit(3)`,
  exitWithoutResult: 'console.error("it broke there")\nprocess.exit(4)',
  throws: 'throw new Error("the step threw")',
  signal: `process.kill(process.pid, "SIGKILL")\n${sleepLong}`,
  timeout: `${result('{"status":"blocked"}')}\n${sleepLong}`,
  ignoresSigterm: `process.on("SIGTERM", () => console.log("not yet"))\nconsole.log("ready")\n${sleepLong}`,
  endsAtSigterm: `process.on("SIGTERM", () => { console.log("last words"); process.exit(0) })\nconsole.log("ready")\n${sleepLong}`,
  leavesGrandchild: `${spawnSleeper}\n${result('{"status":"completed"}')}\nprocess.exit(0)`,
  waitsWithGrandchild: `${spawnSleeper}\nconsole.log("ready")\n${sleepLong}`,
  /** Prints as much as the event's payload says, in bytes, then a result. */
  flood: `const { flow } = await Bun.stdin.json()
const { writeSync } = require("node:fs")
const block = Buffer.alloc(65_536, "x")
block[block.length - 1] = 10
const writeAll = (bytes) => {
  for (let at = 0; at < bytes.length; ) {
    try { at += writeSync(1, bytes, at) } catch (error) { if (error.code !== "EAGAIN") throw error; Bun.sleepSync(1) }
  }
}
for (let left = flow.event.payload.outputBytes; left > 0; left -= block.length) writeAll(block)
writeAll(Buffer.from('FLOW_RESULT {"status":"completed"}\\n'))`,
  invalidUtf8: `const { writeSync } = require("node:fs")
writeSync(1, Buffer.from([0x61, 0xff, 0xfe, 0x62, 0xe6, 0xbc]))
await Bun.sleep(30)
writeSync(1, Buffer.from([0xa2, 0x0a]))
${result('{"status":"completed"}')}`,
  ignoresStdin: result('{"status":"completed"}'),
  closesStdin: `require("node:fs").closeSync(0)\n${result('{"status":"completed"}')}`,
  closesStdout: `${result('{"status":"completed"}')}\nrequire("node:fs").closeSync(1)\nawait Bun.sleep(100)`,
  syntaxError: "const = 3",
  numbers: `for (let n = 0; n < 20_000; n++) console.log(n)\n${result('{"status":"completed"}')}`,
  /** Prints "first", and goes on when the file that the payload names exists. */
  waitsForFile: `const { flow } = await Bun.stdin.json()
console.log("first")
while (!(await Bun.file(flow.event.payload.file).exists())) await Bun.sleep(5)
${result('{"status":"completed"}')}`
} as const

/** One of the {@link contractSteps}: what an executor whose steps are no Bun scripts goes by when it writes its own. */
export type ContractStepName = keyof typeof contractSteps
