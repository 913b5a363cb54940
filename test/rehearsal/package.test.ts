/** `npm start -- --package …` from end to end: a real process, real git and npm, and a registry on the loopback interface. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { download } from "../../examples/rehearsal/src/download.ts"
import { documentBytesMax, tarballBytesMax } from "../../examples/rehearsal/src/registry.ts"
import { type CommandResult, runCommand } from "../../scripts/verify/command.ts"
import { type LoopbackRegistry, manifestOf, type Published, serveRegistry } from "./loopbackRegistry.ts"
import { type RehearsalOptions, rehearsalMillisMax, runRehearsal, versionsOf } from "./runRehearsal.ts"

const testMillisMax = rehearsalMillisMax + 10_000

/** What an endless answer may hand out beyond the limit: pieces that are on their way when the reader hangs up. */
const underwayBytesMax = 32 * 1024 * 1024

const source = (title: string, lines: ReadonlyArray<string>): string => [title, ...lines, ""].join("\n")
const body = ["", "const boil = (litres) => litres * 4", "", "module.exports = { boil }"]

/** Three versions; the one that is asked for is neither the first nor the last. */
const kettle: Published = {
  versions: {
    "1.0.0": { "index.js": source("'use strict'", body), "old.txt": "gone in 1.1.0\n" },
    "1.1.0": {
      "index.js": source("'use strict'", [...body, "module.exports.cool = true"]),
      "lib/spout.js": "module.exports = 1\n"
    },
    "2.0.0": { "index.js": source("'use strict'", ["module.exports = {}"]) }
  }
}

/** Upstream rewrites the very line before which the fork put its own. */
const clash: Published = {
  versions: {
    "1.0.0": { "index.js": source("const title = 'one'", body) },
    "2.0.0": { "index.js": source("const title = 'two'", body) }
  }
}

const carried = "/* Carried by the fork. */\n"

let registry: LoopbackRegistry
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "patchmoi-package-"))
  registry = await serveRegistry({
    kettle,
    clash,
    "@tea/pot": kettle,
    cracked: { ...kettle, tampered: "1.1.0" },
    longwinded: { ...kettle, endless: "document" },
    scrambled: { ...kettle, scrambled: true },
    heavy: { ...kettle, endless: "tarball" }
  })
})

afterAll(async () => {
  await registry.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Runs the program in this test's folder, by default with its registry. */
const rehearse = (
  args: ReadonlyArray<string>,
  options: Partial<RehearsalOptions> = {}
): Promise<CommandResult> => runRehearsal(args, { folder, registryUrl: registry.url, ...options })

/** Every file of a branch of the fork, by path. */
const filesOn = async (directory: string, branch: string): Promise<Readonly<Record<string, string>>> => {
  const fork = join(folder, directory, "workspace", "fork")
  const git = async (...args: ReadonlyArray<string>) => {
    const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" }
    const result = await runCommand(["git", ...args], { cwd: fork, env })
    expect(result.exitCode, result.output).toBe(0)
    return result.stdout
  }
  const paths = (await git("ls-tree", "-r", "--name-only", branch)).trim().split("\n")
  const texts = await Promise.all(paths.map((path) => git("show", `${branch}:${path}`)))
  return Object.fromEntries(paths.map((path, index) => [path, texts[index] ?? ""]))
}

/** What `kettle` 1.1.0 is with both patches, written out by hand. */
const patchedKettle = (name: string, forkName: string) => ({
  "index.js": `'use strict'\n${carried}${source("", [...body.slice(1), "module.exports.cool = true"])}`,
  "lib/spout.js": "module.exports = 1\n",
  "package.json": manifestOf(name, "1.1.0").replace(`"${name}"`, `"${forkName}"`)
})

const expectFailure = (result: CommandResult, exitCode: number, message: string | RegExp): void => {
  expect(result.exitCode, result.output).toBe(exitCode)
  expect(result.output).toMatch(message)
  // A user is told in words, not by the stack of a program that broke.
  expect(result.output).not.toMatch(/^\s+at .+:\d+/m)
}

test(
  "a published version becomes a candidate with both patches, and the other versions are skipped",
  async () => {
    const result = await rehearse(versionsOf("kettle"), { directory: "kettle" })
    expect(result.exitCode, result.output).toBe(0)
    expect(await filesOn("kettle", "candidate/1.1.0")).toEqual(patchedKettle("kettle", "@fork/kettle"))
    expect(result.stdout).toContain("3 versions; the trigger's schema fits 1 of them")
    expect(result.stdout).toContain("1.1.0: dispatch → changed (refs/heads/candidate/1.1.0)")
    for (const other of ["1.0.0", "2.0.0"]) expect(result.stdout).toContain(`${other}: dispatch → skipped`)
    expect(result.stdout).toContain("2 attempts ended as skipped")
  },
  testMillisMax
)

test(
  "a package with a scope is found, and keeps its scope in the fork's name",
  async () => {
    const result = await rehearse(versionsOf("@tea/pot"), { directory: "pot" })
    expect(result.exitCode, result.output).toBe(0)
    expect(await filesOn("pot", "candidate/1.1.0")).toEqual(patchedKettle("@tea/pot", "@fork/tea-pot"))
    expect(registry.asked).toContain("/@tea%2Fpot")
  },
  testMillisMax
)

test(
  "a patch that conflicts ends the rehearsal, with the conflict shown",
  async () => {
    const result = await rehearse(versionsOf("clash", "1.0.0", "2.0.0"), { directory: "clash" })
    expectFailure(result, 1, "2.0.0 was to end as changed, and is needs_intervention")
    expect(result.stdout).toMatch(/patch \S*002-source\S*, commit [0-9a-f]{12} "Change a source file"/)
    expect(result.stdout).toContain("index.js: ")
    expect(result.stdout).toMatch(/<{7} .*const title = 'two'.*={7}.*Carried by the fork.*>{7} /s)
    expect(result.stdout).toContain("to resolve it by hand")
  },
  testMillisMax
)

test(
  "what the registry does not have is named",
  async () => {
    expectFailure(await rehearse(versionsOf("teaspoon")), 1, 'The registry has no package "teaspoon"')
    const message =
      'Version 9.9.9 of "kettle" was never published; 3 others were, the last: 1.0.0, 1.1.0, 2.0.0'
    expectFailure(await rehearse(versionsOf("kettle", "9.9.9", "1.1.0")), 1, message)
    expectFailure(await rehearse(versionsOf("kettle", "1.0.0", "9.9.9")), 1, message)
    // A name that every object has is no version either.
    expectFailure(await rehearse(versionsOf("kettle", "1.0.0", "toString")), 1, "Version toString of")
  },
  testMillisMax
)

test(
  "a registry that is down is named",
  async () => {
    const gone = await serveRegistry({})
    await gone.stop()
    const down = await rehearse(versionsOf("kettle"), { registryUrl: gone.url })
    expectFailure(down, 1, `cannot be reached for the document of "kettle" at ${gone.url}/kettle: `)
  },
  testMillisMax
)

test(
  "credentials in the registry's URL are refused and never shown",
  async () => {
    const registryUrl = registry.url.replace("//", "//reader:open-sesame@")
    const kept = await rehearse(versionsOf("kettle"), { registryUrl })
    expectFailure(kept, 1, "it keeps a URL with a user name or password to itself")
    // Older versions of npm hand such a URL out; this stands in for one.
    const programs = join(folder, "older-npm")
    await Bun.write(join(programs, "npm"), '#!/bin/sh\necho "$npm_config_registry"\n')
    await chmod(join(programs, "npm"), 0o755)
    const handedOut = await rehearse(versionsOf("kettle"), { registryUrl, programs })
    expectFailure(handedOut, 1, "has a user name or password in it, which the rehearsal does not take")
    for (const { output } of [kept, handedOut]) expect(output).not.toMatch(/reader|sesame/)
    // The address of a tarball is the registry's to choose, and may have them too.
    const tarball = `${registryUrl}/absent.tgz?token=open-sesame`
    const failure = download({ url: tarball, what: "the files of kettle", bytesMax: 1 })
    await expect(failure).rejects.toThrow(
      `The registry answered 404 for the files of kettle at ${registry.url}/absent.tgz`
    )
    await expect(failure).rejects.not.toThrow(/reader|sesame/)
  },
  testMillisMax
)

test(
  "files that are not those that were published are not unpacked",
  async () => {
    const result = await rehearse(versionsOf("cracked"), { directory: "cracked" })
    expectFailure(result, 1, "The files of 1.1.0 are not those that were published")
    expect((await readdir(join(folder, "cracked", "upstream"))).toSorted()).toEqual([
      ".git",
      "index.js",
      "old.txt",
      "package.json"
    ])
    const scrambled = await rehearse(versionsOf("scrambled"))
    expectFailure(scrambled, 1, "the files of scrambled 1.0.0 are no archive that can be unpacked")
  },
  testMillisMax
)

test(
  "answers that do not end are read up to their limit",
  async () => {
    const bytesBefore = registry.endlessBytes()
    const document = await rehearse(versionsOf("longwinded"))
    expectFailure(
      document,
      1,
      `/longwinded is larger than the ${documentBytesMax / 1024 ** 2} MiB that are read`
    )
    const documentBytes = registry.endlessBytes() - bytesBefore
    expect(documentBytes).toBeWithin(documentBytesMax, documentBytesMax + underwayBytesMax)
    const tarball = await rehearse(versionsOf("heavy"))
    expectFailure(
      tarball,
      1,
      `/heavy-1.0.0.tgz is larger than the ${tarballBytesMax / 1024 ** 2} MiB that are read`
    )
    const tarballBytes = registry.endlessBytes() - bytesBefore - documentBytes
    expect(tarballBytes).toBeWithin(tarballBytesMax, tarballBytesMax + underwayBytesMax)
  },
  testMillisMax
)

test(
  "a command line that asks for no two releases is refused before anything is made",
  async () => {
    const partial = await rehearse(["--package", "kettle", "--from", "1.0.0"], { directory: "partial" })
    expectFailure(partial, 2, "--package, --from and --to go together\nUsage: ")
    const same = await rehearse(versionsOf("kettle", "1.1.0", "1.1.0"), { directory: "same" })
    expectFailure(
      same,
      2,
      "--from and --to are both 1.1.0: they are two releases, the older one first\nUsage: "
    )
    const made = await readdir(folder)
    expect(made).not.toContain("partial")
    expect(made).not.toContain("same")
  },
  testMillisMax
)
