/**
 * One file into many repositories over HTTP: the transport against the loop that people write, and that loop in parallel.
 *
 *   bun bench/cascade.ts [--targets 50] [--latency 60] [--runs 3] [--memory 10,50,200]
 *
 * `--runs 0` measures the memory alone.
 *
 * The server is real git behind a wait of so many milliseconds per request, in a process of its own. Each target has 202 files.
 * All variants take turns within a round and start from the same repositories; afterwards every target is looked at. The
 * loop is `git clone --depth 1`, a commit, `git push`. Memory is that of a process that does nothing but the cascade.
 */
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../packages/git/src/GitCli.ts"
import { isolatedEnvironment, makeTempRepo } from "../packages/git/src/testing/TempRepo.ts"
import { makeHttpTransport } from "../packages/git/src/transport/HttpTransport.ts"
import { type Cascade, cascade, nameOf, path } from "./cascade/client.ts"
import { markdownTable } from "./support/markdown.ts"

const { values } = parseArgs({
  options: {
    targets: { type: "string", default: "50" },
    latency: { type: "string", default: "60" },
    runs: { type: "string", default: "3" },
    memory: { type: "string", default: "10,50,200" }
  }
})
const [targets, runs] = [Number(values.targets), Number(values.runs)]
const sizes = values.memory.split(",").map(Number)
const files = 202
const loopWorkers = 16

/** The repository that every target is a copy of. */
const makeTemplate = (directory: string) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo()
    const all = Array.from({ length: files - 1 }, (_, at) => [
      `src/part${at % 10}/file${at}.txt`,
      `${at} `.repeat(60)
    ])
    yield* repo.commit("base", { ...Object.fromEntries(all), [path]: "1.0.0\n" })
    yield* repo.git("clone", "--quiet", "--bare", "--template=", ".", directory)
  }).pipe(Effect.scoped, Effect.provide(layerGitCli({ env: isolatedEnvironment })), Effect.runPromise)

const run = async (cwd: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const env = { ...process.env, ...isolatedEnvironment }
  const child = Bun.spawn(["git", ...args], { cwd, env, stdout: "pipe", stderr: "pipe" })
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text()
  ])
  if ((await child.exited) !== 0) throw new Error(`git ${args.join(" ")}: ${errors}`)
  return output.trim()
}

/** Starts the server over the folder; `requests` counts what it got so far. */
const startServer = async (root: string, latency: string) => {
  const script = join(import.meta.dir, "cascade/server.ts")
  const child = Bun.spawn(["bun", script, root, latency], { stdin: "pipe", stdout: "pipe" })
  const reader = child.stdout.getReader()
  const decoder = new TextDecoder()
  let text = ""
  const line = async (): Promise<string> => {
    for (let end = text.indexOf("\n"); ; end = text.indexOf("\n")) {
      if (end >= 0) {
        const found = text.slice(0, end)
        text = text.slice(end + 1)
        return found
      }
      const { value, done } = await reader.read()
      if (done) throw new Error("the server ended")
      text += decoder.decode(value)
    }
  }
  const url = await line()
  const requests = async () => {
    child.stdin.write("count\n")
    await child.stdin.flush()
    return Number(await line())
  }
  return { url, requests, stop: () => child.stdin.end() }
}

/** The usual way, for one target. */
const cloneAndPush = async (url: string, home: string, index: number, content: string) => {
  const directory = join(home, `clone${index}`)
  await run(home, "clone", "--quiet", "--depth", "1", `${url}/${nameOf(index)}`, directory)
  await Bun.write(join(directory, path), `${content}\n`)
  await run(directory, "commit", "--quiet", "--all", "-m", `chore: pin runtime to ${content}`)
  await run(directory, "push", "--quiet")
}

const cloneLoop = async (url: string, workers: number, content: string) => {
  const home = await mkdtemp(join(tmpdir(), "bench-clones-"))
  const queue = Array.from({ length: targets }, (_, index) => index)
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      await cloneAndPush(url, home, next, content)
  }
  await Promise.all(Array.from({ length: workers }, work))
  return () => rm(home, { recursive: true, force: true })
}

const ours = async (url: string, options: Pick<Cascade, "concurrency" | "memory" | "content">) => {
  await Effect.runPromise(cascade({ ...options, transport: makeHttpTransport(), url, targets }))
}

interface Variant {
  readonly name: string
  readonly millis: Array<number>
  requests: number
  /** Does it once; gives what is to be cleaned up, outside of the measured time. */
  readonly work: (url: string, content: string) => Promise<undefined | (() => Promise<unknown>)>
  /** Whether the targets keep what the variant before has pushed. */
  readonly keeps?: true
}

const memory: NonNullable<Cascade["memory"]> = new Map()
const client =
  (concurrency: number, remembered: Cascade["memory"]) => async (url: string, content: string) => {
    await ours(url, { concurrency, memory: remembered, content })
    return undefined
  }
const variant = (name: string, work: Variant["work"], more: Pick<Variant, "keeps"> = {}): Variant => ({
  name,
  millis: [],
  requests: 0,
  work,
  ...more
})
const variants: ReadonlyArray<Variant> = [
  variant("clone loop, one after the other", (url, content) => cloneLoop(url, 1, content)),
  variant(`clone loop, ${loopWorkers} at a time`, (url, content) => cloneLoop(url, loopWorkers, content)),
  variant("clone loop, 25 at a time", (url, content) => cloneLoop(url, 25, content)),
  variant("transport, 16 at a time", client(16, null)),
  variant("transport, 25 at a time", client(25, null)),
  variant("transport, 25 at a time, filling its memory", client(25, memory)),
  variant("transport, 16 at a time, remembered", client(16, memory), { keeps: true }),
  variant("transport, 25 at a time, remembered", client(25, memory), { keeps: true })
]

const median = (numbers: ReadonlyArray<number>): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** Copies the template again into every target. */
const reset = async (root: string, template: string, count: number) => {
  for (let index = 0; index < count; index++) {
    await rm(join(root, nameOf(index)), { recursive: true, force: true })
    await cp(template, join(root, nameOf(index)), { recursive: true })
  }
  memory.clear()
}

const check = async (root: string, content: string) => {
  for (let index = 0; index < targets; index++) {
    const found = await run(join(root, nameOf(index)), "show", `HEAD:${path}`)
    if (found !== content) throw new Error(`${nameOf(index)} holds ${found}, not ${content}`)
  }
}

const measureAll = async (
  root: string,
  template: string,
  server: Awaited<ReturnType<typeof startServer>>
) => {
  for (let round = 0; round < runs; round++) {
    for (const [at, one] of variants.entries()) {
      if (!one.keeps) await reset(root, template, targets)
      const content = `2.${round}.${at}`
      const before = await server.requests()
      const start = performance.now()
      const cleanUp = await one.work(server.url, content)
      one.millis.push(performance.now() - start)
      one.requests = (await server.requests()) - before
      await cleanUp?.()
      await check(root, content)
    }
  }
}

/** Resident memory of a process that does the cascade once, before and at its peak. */
const memoryOf = async (url: string, count: number): Promise<ReadonlyArray<string>> => {
  const script = join(import.meta.dir, "cascade/client.ts")
  const child = Bun.spawn(["bun", script, url, String(count), "16"], { stdout: "pipe" })
  const text = await new Response(child.stdout).text()
  if ((await child.exited) !== 0) throw new Error(`the client failed with ${count} targets`)
  return text.trim().split(" ")
}

const report = () => {
  const [loop, parallel] = [median(variants[0]?.millis ?? []), median(variants[1]?.millis ?? [])]
  console.log(
    `${targets} targets of ${files} files, ${values.latency} ms per request, ${runs} rounds, medians\n`
  )
  const rows = variants.map(({ name, millis, requests }) => {
    const time = median(millis)
    const factors = [loop / time, parallel / time].map((factor) => `${factor.toFixed(1)} ×`)
    return [name, time.toFixed(0), (requests / targets).toFixed(2), ...factors]
  })
  const head = ["way", "ms", "requests per target", "than the loop", `than ${loopWorkers} loops`]
  console.log(markdownTable(head, rows))
}

const home = await mkdtemp(join(tmpdir(), "bench-cascade-"))
const [root, template] = [join(home, "served"), join(home, "template.git")]
await makeTemplate(template)
const server = await startServer(root, values.latency)
try {
  await measureAll(root, template, server)
  if (runs > 0) report()
  const peaks: Array<ReadonlyArray<string>> = []
  for (const count of sizes) {
    await reset(root, template, count)
    peaks.push([String(count), ...(await memoryOf(server.url, count))])
  }
  console.log(`\n${markdownTable(["targets", "MiB at the start", "MiB at the peak"], peaks, 0)}`)
} finally {
  server.stop()
  await rm(home, { recursive: true, force: true })
}
