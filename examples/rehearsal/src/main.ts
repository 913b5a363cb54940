#!/usr/bin/env bun
/**
 * `npm start`: the main job from end to end, through the SDK's public doors.
 *
 *     npm start                                               offline, with a made-up upstream
 *     npm start -- --package NAME --from VERSION --to VERSION  a real package of the configured npm registry
 *     npm start -- --directory DIR                             where everything is put (default: a new temporary folder)
 */
import { mkdir, mkdtemp, readdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { FlowError } from "@patchmoi/sdk"
import { attention, good, open, RehearsalFailed, tell } from "./narrator.ts"
import { rehearseOffline } from "./offline.ts"
import { rehearsePackage } from "./package.ts"
import { placesIn } from "./workspace.ts"

const usage = "Usage: npm start -- [--package NAME --from VERSION --to VERSION] [--directory DIR]"

/** The command line is wrong. Its message says how. */
class UsageError extends Error {}

const readArguments = () => {
  try {
    const { values } = parseArgs({
      args: Bun.argv.slice(2),
      options: {
        package: { type: "string" },
        from: { type: "string" },
        to: { type: "string" },
        directory: { type: "string" },
        help: { type: "boolean", short: "h" }
      }
    })
    return values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const makeRoot = async (directory: string | undefined): Promise<string> => {
  if (directory === undefined) return await mkdtemp(join(tmpdir(), "patchmoi-rehearsal-"))
  const root = resolve(directory)
  const entries = await mkdir(root, { recursive: true })
    .then(() => readdir(root))
    .catch((error: unknown) => {
      throw new UsageError(
        `${root} cannot be used: ${error instanceof Error ? error.message : String(error)}`
      )
    })
  if (entries.length > 0) throw new UsageError(`${root} is not empty`)
  return root
}

const main = async (): Promise<number> => {
  open({
    write: (line) => console.log(line),
    colored: process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === ""
  })
  const { package: name, from, to, directory, help } = readArguments()
  if (help === true) {
    tell(usage)
    return 0
  }
  const given = [name, from, to].filter((value) => value !== undefined).length
  if (given !== 0 && given !== 3) throw new UsageError("--package, --from and --to go together")
  if (name !== undefined && from === to) {
    throw new UsageError(`--from and --to are both ${to}: they are two releases, the older one first`)
  }
  const places = placesIn(await makeRoot(directory))
  await mkdir(places.workspace, { recursive: true })
  if (name !== undefined && from !== undefined && to !== undefined) {
    await rehearsePackage(places, { name, from, to })
  } else {
    await rehearseOffline(places)
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
    if (error instanceof RehearsalFailed || error instanceof FlowError) {
      attention(error.message)
      process.exit(1)
    }
    throw error
  }
)
