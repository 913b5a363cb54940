/** The gates of verify, each over something that it must refuse. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { runCommand } from "../../scripts/verify/command.ts"
import { missedSeeds } from "../../scripts/verify/effectRules.ts"
import { incorrectPeers, type Lockfile } from "../../scripts/verify/install.ts"
import { packedFiles, packProblems } from "../../scripts/verify/pack.ts"
import { formatAndLintGate, typesGate } from "../../scripts/verify/statics.ts"
import { summaryOf } from "../../scripts/verify/summary.ts"
import { countTests, testsGate } from "../../scripts/verify/tests.ts"

const root = dirname(dirname(import.meta.dir))
let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "patchmoi-gates-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const write = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name, path)), { recursive: true })
    await Bun.write(join(folder, name, path), text)
  }
  return join(folder, name)
}

describe("runCommand", () => {
  test("kills what is not done in time, with its children, and says so", async () => {
    const result = await runCommand(["sh", "-c", "echo begun; sleep 600 & sleep 600"], {
      cwd: folder,
      timeoutMillis: 200
    })
    expect(result.exitCode).toBe(137)
    expect(result.output).toStartWith("begun\n")
    expect(result.output).toEndWith("was killed: it was not done after 0.2 s")
  })
})

describe("install", () => {
  test("reads out of a lockfile what bun says only while it resolves, and then never again", async () => {
    const cwd = await write("peers", {
      "package.json": `{ "name": "r", "workspaces": ["a", "b"] }`,
      "a/package.json": `{ "name": "a", "version": "1.0.0" }`,
      "b/package.json": `{ "name": "b", "version": "1.0.0", "dependencies": { "a": "workspace:*" }, "peerDependencies": { "a": "^2.0.0" } }`
    })
    const install = () => runCommand(["bun", "install", "--verbose"], { cwd })
    expect((await install()).output).toContain("incorrect peer")
    expect((await install()).output).not.toContain("incorrect peer")
    expect(incorrectPeers(Bun.JSONC.parse(await Bun.file(`${cwd}/bun.lock`).text()) as Lockfile)).toEqual([
      "incorrect peer: b asks for a@^2.0.0, locked is 1.0.0"
    ])
  })

  const lock = (peer: string | undefined, needs: object): Lockfile => ({
    workspaces: { "": { name: "r" } },
    catalog: { effect: "3.22.4" },
    packages: {
      user: ["user@1.0.0", "", needs, "sha512-x"],
      ...(peer === undefined ? {} : { effect: [`effect@${peer}`, "", {}, "sha512-y"] })
    }
  })

  test("takes a peer inside its range, and an optional one that is missing", () => {
    expect(incorrectPeers(lock("3.22.4", { peerDependencies: { effect: "^3.19.0" } }))).toEqual([])
    expect(incorrectPeers(lock("3.22.4", { peerDependencies: { effect: "catalog:" } }))).toEqual([])
    expect(
      incorrectPeers(lock(undefined, { peerDependencies: { effect: "3" }, optionalPeers: ["effect"] }))
    ).toEqual([])
  })

  test("refuses a peer outside its range, and a missing one", () => {
    expect(incorrectPeers(lock("4.1.0", { peerDependencies: { effect: "^3.19.0" } }))).toHaveLength(1)
    expect(incorrectPeers(lock(undefined, { peerDependencies: { effect: "^3.19.0" } }))[0]).toStartWith(
      "missing peer"
    )
  })
})

describe("format, lint and types", () => {
  test("refuse a file out of format, and one with a type error", async () => {
    const cwd = await write("statics", {
      "package.json": "{}\n",
      "biome.json": "{}\n",
      "tsconfig.json": `{ "compilerOptions": { "strict": true, "noEmit": true, "types": [] }, "include": ["*.ts"] }\n`,
      "a.ts": "export const a:string = 1"
    })
    // The gates look for the programs in the folder that they check.
    await runCommand(["ln", "-s", `${root}/node_modules`, `${cwd}/node_modules`], { cwd })
    const house = { root: cwd, testArguments: [] }
    const [format, types] = [await formatAndLintGate.run(house), await typesGate.run(house)]
    expect(format.passed).toBe(false)
    expect(format.output).toContain("a.ts")
    expect(types.passed).toBe(false)
    expect(types.output).toContain("TS2322")
  })
})

describe("effect rules", () => {
  test("a seed that is not found is reported, and so is a finding that nobody seeded", async () => {
    const quiet = {
      path: "packages/core/src/quiet.ts",
      text: "export const a = 1\n",
      finds: ["floatingEffect"]
    }
    const loud = { path: "packages/core/src/loud.ts", text: "export const a = Date.now()\n", finds: [] }
    const missed = await missedSeeds(root, [quiet, loud])
    expect(missed).toHaveLength(2)
    expect(missed[0]).toContain("quiet.ts: expected floatingEffect, found nothing")
    expect(missed[1]).toContain("loud.ts: expected nothing, found globalDate")
  })
})

describe("pack contents", () => {
  const manifest = {
    name: "p",
    exports: {
      "./internal/*": null,
      ".": { bun: "./src/index.ts", types: "./dist/index.d.ts" },
      "./*": { bun: "./src/*.ts" }
    },
    bin: { p: "./src/bin.ts" }
  }
  const good = ["package.json", "README.md", "LICENSE", "src/index.ts", "src/bin.ts", "src/a/b.ts"]

  test("takes a package that ships what it promises", () => {
    expect(packProblems(manifest, good)).toEqual([])
    expect(packProblems(manifest, [...good, "dist/index.d.ts"])).toEqual([])
  })

  test("refuses what is not part of a package", () => {
    for (const path of [
      ".env",
      "test/a.test.ts",
      "src/a.test.ts",
      "src/.secret",
      "notes.txt",
      "src/a.tsbuildinfo"
    ]) {
      expect(packProblems(manifest, [...good, path])).toEqual([
        `p would ship ${path}, which is not part of the package`
      ])
    }
  })

  test("refuses a door that leads nowhere", () => {
    expect(packProblems(manifest, ["package.json", "src/index.ts"])).toEqual([
      "p promises src/bin.ts in package.json, but would not ship it"
    ])
    expect(packProblems(manifest, [...good, "dist/a.js"])).toEqual([
      "p promises dist/index.d.ts in package.json, but would not ship it"
    ])
    expect(packProblems({ name: "p" }, ["package.json"])).toEqual(["p would ship no source"])
  })

  test("reads the real output of bun pm pack", async () => {
    const cwd = await write("pack", {
      "package.json": `{ "name": "p", "version": "1.0.0", "files": ["src"] }`,
      "src/index.ts": "export {}\n",
      "secret.txt": "not shipped\n"
    })
    const { output } = await runCommand(["bun", "pm", "pack", "--dry-run"], { cwd })
    expect([...packedFiles(output)].sort()).toEqual(["package.json", "src/index.ts"])
  })
})

describe("tests", () => {
  test("counts from the summary", () => {
    expect(countTests(" 12 pass\n 1 skip\n 2 todo\n 0 fail\n 40 expect() calls\n", 0)).toEqual({
      passed: 12,
      failed: 0,
      skipped: 3
    })
    expect(countTests(" 12 pass\n 2 fail\n 1 error\n", 1)).toEqual({ passed: 12, failed: 3, skipped: 0 })
  })

  test("the summary ends with exactly the count, skipped tests are told on the line before", () => {
    expect(summaryOf({ passed: 12, failed: 0, skipped: 0 })).toBe("12 passed, 0 failed")
    expect(summaryOf({ passed: 12, failed: 3, skipped: 2 })).toBe("2 skipped\n12 passed, 3 failed")
  })

  test("never takes silence, or a crash after a good summary, for a pass", () => {
    expect(countTests("", 0).failed).toBe(1)
    expect(countTests(" 12 pass\n 0 fail\n", 133).failed).toBe(1)
  })

  test("the gate counts what a real run prints, whatever the tests themselves print", async () => {
    const cwd = await write("tests", {
      "a.test.ts": `import { test, expect } from "bun:test"
test("good", () => { console.log(" 99 pass") })
test("bad", () => expect(1).toBe(2))\n`,
      "b.test.ts": `throw new Error("does not load")\n`
    })
    const outcome = await testsGate.run({ root: cwd, testArguments: [] })
    expect(outcome.passed).toBe(false)
    expect(outcome.tests?.passed).toBe(1)
    expect(outcome.tests?.failed).toBeGreaterThanOrEqual(2)
    expect(outcome.output).toContain("does not load")
  })

  test("the gate refuses a run without tests", async () => {
    const outcome = await testsGate.run({ root: await write("none", { "a.ts": "" }), testArguments: [] })
    expect(outcome).toMatchObject({ passed: false, tests: { passed: 0, failed: 1 } })
  })
})
