/**
 * How long a cold `patchmoi serve` takes to its first 200 on `/healthz`, as `bun run build` packages it, with a record that it
 * has to make and with one that holds runs; against an empty Bun process and a bare `Bun.serve`.
 *
 * Run: `bun run build && bun bench/serveStart.ts`. Reach: at most 150 ms.
 */
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { packagedProgram, startBackend } from "./support/backend.ts"
import { connect } from "./support/connection.ts"
import { putLoad } from "./support/load.ts"
import { makeFolder, makeWorkspace } from "./support/workspace.ts"
import { measure, toMarkdown } from "./support.ts"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 15)
/** Events of the record that is not empty. */
const known = 2_000

/** A port that was free a moment ago: a server that takes any would have to be asked which. */
const freePort = (): number => {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() })
  const { port = 0 } = server
  server.stop(true)
  return port
}

/** Starts a program that listens on the port, waits for its first 200, and ends it. */
const startAndAsk = async (command: ReadonlyArray<string>, port: number, cwd: string): Promise<void> => {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "ignore", stderr: "inherit" })
  const target = new URL(`http://127.0.0.1:${port}`)
  const request = Buffer.from(`GET /healthz HTTP/1.1\r\nhost: ${target.host}\r\n\r\n`)
  for (let status = 0; status !== 200; ) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`)
    const connection = await connect(target).catch(() => undefined)
    if (connection === undefined) await Bun.sleep(1)
    else status = await connection.send(request)
    connection?.close()
  }
  child.kill("SIGKILL")
  await child.exited
}

if (!existsSync(packagedProgram[0] ?? "")) throw new Error("There is no package: run `bun run build` first")
const folder = makeFolder("serve-start")
try {
  makeWorkspace(folder)
  const filled = join(folder, "filled")
  const backend = await startBackend({ workspace: folder, dataDir: filled, program: packagedProgram })
  const ids = Array.from({ length: known }, (_, index) => `known-${index}`)
  await putLoad({ url: backend.url, path: "/events", connections: 16, ids, type: "bench.none", payload: {} })
  await backend.stop()
  let fresh = 0
  const serve = (dataDir: string) => {
    const port = freePort()
    const words = ["serve", "--cwd", folder, "--data-dir", dataDir, "--port", String(port)]
    return startAndAsk([...packagedProgram, ...words], port, folder)
  }
  await Bun.write(join(folder, "empty.js"), "")
  await Bun.write(
    join(folder, "bare.js"),
    'Bun.serve({ hostname: "127.0.0.1", port: Number(process.argv[2]), fetch: () => new Response() })'
  )
  const table = await measure({
    name: "cold start to the first 200",
    baseline: "empty bun process",
    warmupRounds: 2,
    rounds,
    variants: {
      "empty bun process": () => Bun.spawn([process.execPath, join(folder, "empty.js")]).exited,
      "bare Bun.serve": () => {
        const port = freePort()
        return startAndAsk([process.execPath, join(folder, "bare.js"), String(port)], port, folder)
      },
      "patchmoi serve, new record": () => serve(join(folder, `fresh-${fresh++}`)),
      [`patchmoi serve, ${known} events`]: () => serve(filled)
    }
  })
  console.log(toMarkdown(table))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
