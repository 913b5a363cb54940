/** The build, over a stand-in workspace of two packages, used afterwards as a stranger on Node would use it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import {
  callerEnvironment,
  launcherMark,
  launcherVariables
} from "../../packages/sdk/src/cli/launcherVariables.ts"
import { doorSources } from "../../scripts/build/doors.ts"
import { type BuiltPackage, buildWorkspace } from "../../scripts/build/workspace.ts"
import { localProgram, runCommand } from "../../scripts/verify/command.ts"
import { packedFiles, packProblems } from "../../scripts/verify/pack.ts"

const repository = dirname(dirname(import.meta.dir))
const exports = {
  "./package.json": "./package.json",
  "./internal/*": null,
  ".": { bun: "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
  "./*": { bun: "./src/*.ts", types: "./dist/*.d.ts", default: "./dist/*.js" }
}
const manifest = (name: string) => ({
  name,
  version: "1.0.0",
  type: "module",
  files: ["src", "dist"],
  exports
})

const workspace: Readonly<Record<string, string>> = {
  "package.json": `{ "private": true, "type": "module" }`,
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      target: "ESNext",
      module: "Preserve",
      moduleResolution: "bundler",
      types: ["bun"],
      customConditions: ["bun"],
      strict: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true
    }
  }),
  "packages/core/package.json": JSON.stringify(manifest("@stand-in/core")),
  "packages/core/src/index.ts": `export { Token } from "./token/Token.ts"\nexport type { Wrapped } from "./internal/wrap.ts"\n`,
  "packages/core/src/token/Token.ts": `import { type Wrapped, wrap } from "../internal/wrap.ts"
export class Token { readonly wrapped: Wrapped<number> = wrap(1) }
export const isToken = (value: unknown): boolean => value instanceof Token\n`,
  "packages/core/src/internal/wrap.ts": `export interface Wrapped<A> { readonly value: A }
export const wrap = <A>(value: A): Wrapped<A> => ({ value })\n`,
  "packages/sdk/package.json": JSON.stringify(manifest("@stand-in/sdk")),
  "packages/sdk/src/index.ts": `import { Token } from "@stand-in/core"\nexport const make = (): Token => new Token()\n`,
  "packages/sdk/src/cli/heavy.ts": `console.log("heavy is loaded")\nexport const heavy = (): string => "done"\n`,
  "packages/sdk/src/cli/apart.ts": `export const apart = { far: (): string => "far away" }\n`,
  "packages/sdk/src/bin.ts": `#!/usr/bin/env bun
const main = async (args: ReadonlyArray<string>): Promise<void> => {
  if (args[0] === "--help") return console.log("help")
  if (args[0] === "far") return console.log((await import("./cli/apart.ts")).apart.far())
  if (args[0] === "run") return console.log(JSON.stringify(process.env))
  const { heavy } = await import("./cli/heavy.ts")
  console.log(heavy(), args.join(" "))
  process.exitCode = 10
}
void main(process.argv.slice(2))\n`
}

let root = ""
let built: ReadonlyArray<BuiltPackage> = []

const write = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await Bun.write(join(root, path), text)
}

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "patchmoi-build-")))
  for (const [path, text] of Object.entries(workspace)) await write(path, text)
  await mkdir(join(root, "node_modules", "@stand-in"), { recursive: true })
  for (const name of [".bin", "@types", "typescript"]) {
    await symlink(join(repository, "node_modules", name), join(root, "node_modules", name))
  }
  for (const name of ["core", "sdk"]) {
    await symlink(join(root, "packages", name), join(root, "node_modules", "@stand-in", name))
  }
  built = await buildWorkspace(root)
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe("buildWorkspace", () => {
  test("builds every open door, and the command line where there is one", () => {
    expect(built).toEqual([
      { name: "@stand-in/core", doors: 2, commandLine: false },
      { name: "@stand-in/sdk", doors: 3, commandLine: true }
    ])
  })

  test("builds what Node can import, with one copy of what two doors share", async () => {
    await write(
      "user.mjs",
      `import { make } from "@stand-in/sdk"\nimport { isToken } from "@stand-in/core/token/Token"
console.log(isToken(make()), make().wrapped.value)`
    )
    const node = Bun.which("node") ?? process.execPath
    expect((await runCommand([node, "user.mjs"], { cwd: root })).output).toBe("true 1")
  })

  test("keeps closed doors closed", async () => {
    await write("closed.mjs", `await import("@stand-in/core/internal/wrap")`)
    const node = Bun.which("node") ?? process.execPath
    expect((await runCommand([node, "closed.mjs"], { cwd: root })).output).toContain(
      "ERR_PACKAGE_PATH_NOT_EXPORTED"
    )
  })

  test("writes declarations that a strict user without our conditions can compile against", async () => {
    await write(
      "user/tsconfig.json",
      `{ "compilerOptions": { "strict": true, "noEmit": true, "module": "NodeNext", "types": [] } }`
    )
    await write("user/package.json", `{ "type": "module" }`)
    const compile = async (text: string) => {
      await write("user/user.ts", text)
      return (await runCommand([localProgram(root, "tsc"), "--project", "user"], { cwd: root })).output
    }
    expect(
      await compile(
        `import { make } from "@stand-in/sdk"\nexport const value: number = make().wrapped.value\n`
      )
    ).toBe("")
    expect(
      await compile(
        `import { make } from "@stand-in/sdk"\nexport const value: string = make().wrapped.value\n`
      )
    ).toContain("TS2322")
  })

  test("ships what package.json promises and nothing else", async () => {
    const folder = join(root, "packages", "sdk")
    const { output } = await runCommand(["bun", "pm", "pack", "--dry-run"], { cwd: folder })
    expect(packedFiles(output)).toContain("dist/patchmoi.cjs.jsc")
    expect(
      packProblems(
        { ...manifest("@stand-in/sdk"), bin: { patchmoi: "./dist/patchmoi" } },
        packedFiles(output)
      )
    ).toEqual([])
  })

  test("refuses a declaration with a type that another package keeps to itself", async () => {
    const leak = {
      "packages/core/src/internal/kept.ts": "export class Kept { readonly kept = true }\n",
      "packages/core/src/token/give.ts": `import { Kept } from "../internal/kept.ts"\nexport const give = () => new Kept()\n`,
      "packages/sdk/src/leak.ts": `import { give } from "@stand-in/core/token/give"\nexport const leak = () => give()\n`
    }
    for (const [path, text] of Object.entries(leak)) await write(path, text)
    await expect(buildWorkspace(root)).rejects.toThrow("names a type of @stand-in/core/internal/kept")
    for (const path of Object.keys(leak)) await rm(join(root, path))
  })

  test("leaves dist as it was when a build fails, and no draft behind", async () => {
    await write("packages/core/src/broken.ts", "export const broken: string = 1\n")
    await expect(buildWorkspace(root)).rejects.toThrow("TS2322")
    await rm(join(root, "packages/core/src/broken.ts"))
    expect(await Bun.file(join(root, "packages/core/dist/index.js")).exists()).toBe(true)
    expect([...new Bun.Glob("build.*").scanSync({ cwd: join(root, ".cache"), onlyFiles: false })]).toEqual([])
  })
})

describe("the packaged command line", () => {
  const start = (...args: ReadonlyArray<string>) =>
    runCommand([join(root, "packages/sdk/dist/patchmoi"), ...args], {
      cwd: tmpdir(),
      env: { BUN_JSC_verboseDiskCache: "1" }
    })

  test("runs by its name, from byte code, with its arguments and exit code", async () => {
    const result = await start("flow", "list")
    expect(result.output).toContain("done flow list")
    expect(result.output).toContain("Cache hit for sourceCode")
    expect(result.exitCode).toBe(10)
  })

  test("runs through a link, and has a part in a file of its own", async () => {
    const link = join(root, "link")
    await symlink(join(root, "packages/sdk/dist/patchmoi"), link)
    expect((await runCommand([link, "far"], { cwd: tmpdir() })).output).toBe("far away")
    const main = await Bun.file(join(root, "packages/sdk/dist/patchmoi.cjs")).text()
    expect(main).not.toContain("far away")
  })

  test("starts short commands with variables that it takes back, and keeps those of its caller", async () => {
    const environment = async (env: Readonly<Record<string, string>>) =>
      JSON.parse(
        (await runCommand([join(root, "packages/sdk/dist/patchmoi"), "run"], { cwd: tmpdir(), env })).output
      )
    const own = await environment({})
    expect(own).toMatchObject({ ...launcherVariables, [launcherMark]: "1" })
    expect(Object.keys(callerEnvironment(own)).filter((name) => /^BUN_JSC_|^PATCHMOI_/.test(name))).toEqual(
      []
    )
    const given = { BUN_JSC_thresholdForJITAfterWarmUp: "700" }
    expect(callerEnvironment(await environment(given))).toMatchObject(given)
  })

  test("says what is missing where there is no Bun", async () => {
    const bin = join(root, "bin-without-bun")
    await mkdir(bin)
    for (const name of ["sh", "readlink"]) await symlink(Bun.which(name) ?? name, join(bin, name))
    const result = await runCommand([join(root, "packages/sdk/dist/patchmoi"), "--help"], {
      cwd: tmpdir(),
      env: { PATH: bin }
    })
    expect(result.output).toBe(
      "patchmoi needs Bun, and there is no bun on the PATH: https://bun.com/docs/installation"
    )
    expect(result.exitCode).toBe(127)
  })

  test("does not run what the command does not need", async () => {
    const result = await start("--help")
    expect(result.output).toContain("help")
    expect(result.output).not.toContain("heavy is loaded")
  })

  test("says what is in the way of byte code", async () => {
    await write(
      "packages/sdk/src/cli/heavy.ts",
      `await Promise.resolve()\nexport const heavy = (): string => "done"\n`
    )
    await expect(buildWorkspace(root)).rejects.toThrow("no top-level await")
  })

  test("refuses an entry that a shell could not start", async () => {
    await write("packages/sdk/src/bin.ts", "export {}\n")
    await expect(buildWorkspace(root)).rejects.toThrow(`must begin with "#!/usr/bin/env bun"`)
  })
})

test("doorSources reads a closed list of doors, and never the command line's entry", async () => {
  const folder = join(root, "packages", "core")
  const list = {
    name: "p",
    exports: { ".": { bun: "./src/index.ts" }, "./token": { bun: "./src/token/Token.ts" } }
  }
  expect(await doorSources(folder, list)).toEqual(["src/index.ts", "src/token/Token.ts"])
  expect(await doorSources(folder, { name: "p", exports: { "./package.json": "./package.json" } })).toEqual(
    []
  )
  expect(await doorSources(join(root, "packages", "sdk"), manifest("p"))).not.toContain("src/bin.ts")
})
