#!/usr/bin/env bun
/**
 * A fork over three releases of its upstream, without a forge and without a network: git servers on the loopback
 * interface, the SDK's public doors, the command line.
 *
 *     bun src/main.ts                      in a new temporary folder, which is removed at the end
 *     bun src/main.ts --directory DIR      in an empty folder, which is kept
 */
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { attention, good, open, RehearsalFailed, tell } from "@patchmoi/example-rehearsal/narrator"
import { serveRepositories } from "./gitServer.ts"
import { makePlaces } from "./places.ts"
import { rehearse } from "./rehearse.ts"

const usage = "Usage: bun src/main.ts [--directory DIR]"

/** The command line is wrong. Its message says how. */
class UsageError extends Error {}

const readArguments = () => {
  try {
    return parseArgs({
      args: Bun.argv.slice(2),
      options: { directory: { type: "string" }, help: { type: "boolean", short: "h" } }
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const makeRoot = async (directory: string | undefined): Promise<string> => {
  if (directory === undefined) return await mkdtemp(join(tmpdir(), "patchmoi-fork-rehearsal-"))
  const root = resolve(directory)
  await mkdir(root, { recursive: true })
  if ((await readdir(root)).length > 0) throw new UsageError(`${root} is not empty`)
  return root
}

const main = async (): Promise<number> => {
  open({
    write: (line) => console.log(line),
    colored: process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === ""
  })
  const { directory, help } = readArguments()
  if (help === true) {
    tell(usage)
    return 0
  }
  const root = await makeRoot(directory)
  const places = await makePlaces(root)
  const server = serveRepositories(places.served)
  try {
    await rehearse(places, server)
  } finally {
    await server.stop()
    if (directory === undefined) await rm(root, { recursive: true, force: true })
  }
  good("the rehearsal went as it must")
  return 0
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) {
      console.error(`${error.message}\n${usage}`)
      process.exit(2)
    }
    if (error instanceof RehearsalFailed) {
      attention(error.message)
      process.exit(1)
    }
    throw error
  }
)
