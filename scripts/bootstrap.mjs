/**
 * The one door into a fresh clone: `npm start` and `npm test` come here with nothing but Node, npm and git.
 *
 * 1. Finds Bun of exactly the version that package.json pins: the running one, one on PATH, or a copy in `.cache/bun`
 *    that npm fetches by package name.
 * 2. Puts it first on PATH and installs the frozen lockfile (about 20 ms when nothing changed).
 * 3. Runs the task named by the first argument, hands it the other arguments, signals, and takes over its exit code.
 *
 * Plain Node without dependencies, because it runs before anything is installed.
 */
import { spawn, spawnSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { constants } from "node:os"
import { basename, delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const windows = process.platform === "win32"
const bunName = windows ? "bun.exe" : "bun"
const nodeMajorMin = 20

/** Fetching Bun is one download of about 40 MB; five minutes is a slow line, more is a hang. */
const fetchMillisMax = 5 * 60_000

const tasks = {
  verify: ["scripts/verify.ts"],
  rehearsal: ["examples/rehearsal/src/main.ts"],
  patchmoi: ["packages/sdk/src/bin.ts"]
}

/** A refusal that a stranger can act on: the message says what to do, so no stack is printed. */
class SetupProblem extends Error {}

try {
  await main(process.argv.slice(2))
} catch (problem) {
  if (!(problem instanceof SetupProblem)) throw problem
  console.error(`\npatchmoi: ${problem.message}`)
  process.exitCode = 1
}

async function main([taskName, ...args]) {
  const task = Object.hasOwn(tasks, taskName ?? "") ? tasks[taskName] : undefined
  if (task === undefined) {
    throw new SetupProblem(`unknown task "${taskName ?? ""}". Known tasks: ${Object.keys(tasks).join(", ")}.`)
  }
  requireNode()
  requireGit()
  const version = pinnedBunVersion()
  const bun = findBun(version) ?? fetchBun(version)
  const env = environmentWith(bun)
  install(bun, env)
  await run(bun, [...task, ...args], env)
}

function requireNode() {
  // Under Bun `process.versions.node` is the Node version that Bun is compatible with, which is new enough.
  const major = Number(process.versions.node.split(".")[0])
  if (major < nodeMajorMin) {
    throw new SetupProblem(
      `Node ${nodeMajorMin} or newer is needed, this is ${process.version}. See https://nodejs.org.`
    )
  }
}

function requireGit() {
  const git = spawnSync("git", ["--version"], { stdio: "ignore" })
  if (git.error)
    throw new SetupProblem("git was not found on PATH. Install git 2.38 or newer, then try again.")
}

function pinnedBunVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const version = /^bun@(\d+\.\d+\.\d+)$/.exec(packageManager ?? "")?.[1]
  if (version === undefined) {
    throw new SetupProblem(
      `package.json must pin "packageManager": "bun@<version>", found ${JSON.stringify(packageManager)}.`
    )
  }
  return version
}

function findBun(version) {
  const onPath = (process.env.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, bunName))
  const running = process.versions.bun === undefined ? [] : [process.execPath]
  const found = [...onPath, ...running].find(
    (candidate) => existsSync(candidate) && isBun(candidate, version)
  )
  return found ?? cachedBun(cacheFolder(version), version)
}

function isBun(candidate, version) {
  const answer = spawnSync(candidate, ["--version"], { encoding: "utf8", timeout: 20_000 })
  return answer.status === 0 && answer.stdout.trim() === version
}

function cacheFolder(version) {
  return join(root, ".cache", "bun", version)
}

/**
 * The first binary under the folder that starts on this machine. npm may bring several (libc variants); the platform
 * packages hold the real ones, and `bun/bin/bun.exe` is only real where install scripts were allowed.
 */
function cachedBun(folder, version) {
  const modules = join(folder, "node_modules")
  const scope = join(modules, "@oven")
  const platforms = existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : []
  return [...platforms, join(modules, "bun")]
    .flatMap((home) => [join(home, "bin", "bun"), join(home, "bin", "bun.exe")])
    .find((candidate) => existsSync(candidate) && isBun(candidate, version))
}

/** Installs into a folder of its own and renames it, so that two runs at once, or one that was interrupted, leave no half copy. */
function fetchBun(version) {
  const cache = cacheFolder(version)
  const draft = `${cache}.${process.pid}.draft`
  console.error(`patchmoi: Bun ${version} is not on PATH; fetching bun@${version} with npm into .cache/bun …`)
  try {
    mkdirSync(draft, { recursive: true })
    // A package.json of its own keeps npm from walking up into this workspace.
    writeFileSync(join(draft, "package.json"), '{ "private": true }\n')
    npmInstall(draft, version)
    if (cachedBun(draft, version) === undefined) {
      throw new SetupProblem(
        `npm installed bun@${version}, but none of its binaries starts on ${process.platform}-${process.arch}. ` +
          "Install Bun yourself (https://bun.com/docs/installation) and try again."
      )
    }
    if (cachedBun(cache, version) === undefined) {
      rmSync(cache, { recursive: true, force: true })
      renameSync(draft, cache)
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return cachedBun(cache, version)
}

function npmInstall(prefix, version) {
  const args = [
    "install",
    "--prefix",
    prefix,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    `bun@${version}`
  ]
  const options = { cwd: prefix, encoding: "utf8", timeout: fetchMillisMax }
  const execPath = process.env.npm_execpath ?? ""
  // Under `npm run` the npm that started us is known by path; elsewhere it is looked up (a .cmd on Windows needs a shell).
  const npm = execPath.endsWith("npm-cli.js")
    ? spawnSync(process.execPath, [execPath, ...args], options)
    : spawnSync("npm", args, { ...options, shell: windows })
  if (npm.error?.code === "ENOENT") {
    throw new SetupProblem(
      `npm was not found on PATH, and neither was Bun ${version}. Install one of them, then try again.`
    )
  }
  if (npm.status !== 0) {
    throw new SetupProblem(
      `npm could not install bun@${version}. Is the network, or the npm registry that this machine is set up for, within reach?\n\n` +
        `${npm.stdout ?? ""}${npm.stderr ?? ""}${npm.error?.message ?? ""}`
    )
  }
}

/** The environment of every child: `bun` on PATH is the pinned one, whatever the machine had before. */
function environmentWith(bun) {
  const folder = basename(bun) === bunName ? dirname(bun) : linkFolder(bun)
  return { ...process.env, PATH: [folder, process.env.PATH ?? ""].filter(Boolean).join(delimiter) }
}

/** A running Bun may have another file name (npm installs it as `bun.exe` everywhere): a link gives it the name to be called by. */
function linkFolder(bun) {
  const folder = join(root, ".cache", "bun", "link")
  mkdirSync(folder, { recursive: true })
  rmSync(join(folder, bunName), { force: true })
  symlinkSync(bun, join(folder, bunName))
  return folder
}

function install(bun, env) {
  const result = spawnSync(bun, ["install", "--frozen-lockfile"], { cwd: root, env, encoding: "utf8" })
  if (result.status === 0) return
  throw new SetupProblem(
    "`bun install --frozen-lockfile` failed. Check the network; after a change to a package.json run `bun install` once.\n\n" +
      `${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`
  )
}

function run(bun, command, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(bun, command, { cwd: root, env, stdio: "inherit" })
    // A terminal sends Ctrl-C to the whole group, so the child has it already; a second one would look like a second press.
    const forward = (signal) => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
    }
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward)
    child.on("error", (cause) => reject(new SetupProblem(`could not start ${bun}: ${cause.message}`)))
    child.on("exit", (code, signal) => {
      // A shell reports death by a signal as 128 + its number; so do we.
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, forward)
      resolve()
    })
  })
}
