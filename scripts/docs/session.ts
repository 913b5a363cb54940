/**
 * Runs the blocks of one page as one session: one folder, one environment, top to bottom. What a block exports, and the
 * folder that it changes to, hold for the next one; what it left running is ended with the session.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { checkData, dataLanguages } from "./data.ts"
import { differenceOf } from "./expectedOutput.ts"
import { type Block, placeOf } from "./pages.ts"
import type { Scratch } from "./scratch.ts"
import { stepCommand } from "./stepBlock.ts"

/** How long one block may run, in milliseconds. */
export const blockMillisMax = 60_000

/** What came of the blocks of a page. */
export interface SessionReport {
  /** Blocks that ran, were parsed, were written or were compared with what was printed. */
  readonly ran: number
  /** Blocks of text that promise nothing. */
  readonly shown: number
  /** Blocks that are not run, as `page:line: reason`. */
  readonly skipped: ReadonlyArray<string>
}

/** Runs the blocks. Throws at the first that does not do what it must, with what it printed. */
export const runPage = async (
  scratch: Scratch,
  blocks: ReadonlyArray<Block>,
  options: { readonly blockMillisMax?: number } = {}
): Promise<SessionReport> => {
  const [first] = blocks
  if (first === undefined) return { ran: 0, shown: 0, skipped: [] }
  const folder = await scratch.folderOf(first.page)
  await using session = new Session(scratch, folder, options.blockMillisMax ?? blockMillisMax)
  let ran = 0
  let shown = 0
  const skipped: Array<string> = []
  for (const block of blocks) {
    if (block.norun === undefined) {
      if (await session.run(block)) ran += 1
      else shown += 1
    } else skipped.push(`${placeOf(block)}: ${block.norun}`)
  }
  return { ran, shown, skipped }
}

/** Languages whose blocks are shown and not run, unless they are marked as output. */
export const shownLanguages: ReadonlySet<string> = new Set(["text", "console"])

// --- internal ---

class Session implements AsyncDisposable {
  readonly #groups: Array<number> = []
  #printed: { readonly stdout: string; readonly stderr: string } | undefined

  constructor(
    readonly scratch: Scratch,
    readonly folder: string,
    readonly millisMax: number
  ) {}

  /** Runs a block; gives false for one that is only looked at. */
  async run(block: Block): Promise<boolean> {
    if (block.shows !== undefined) return this.#compare(block, block.shows)
    if (shownLanguages.has(block.language)) return false
    if (dataLanguages.has(block.language)) {
      checkData(block)
      await this.#write(block)
      return true
    }
    if (block.language === "sh") return await this.#execute(block, block.text)
    if (block.language === "ts") return await this.#runTypeScript(block)
    throw new Error(`${placeOf(block)}: nothing here runs blocks of the language "${block.language}"`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.#groups) {
      try {
        process.kill(-group, "SIGKILL")
      } catch {
        // Nothing of the group is left.
      }
    }
  }

  async #runTypeScript(block: Block): Promise<boolean> {
    if (await this.#write(block)) return true
    const step = await stepCommand(block, this.folder)
    if (step !== undefined) return await this.#execute(block, step)
    const isTest = /from "(?:bun:test|@patchmoi\/sdk\/testing)"/.test(block.text)
    const name = `block-${block.line}.${isTest ? "test.ts" : "ts"}`
    const path = join(this.folder, name)
    await writeFile(path, block.text)
    return await this.#execute(block, isTest ? `bun test "${path}"` : `bun "${path}"`)
  }

  /** Writes a block that is a file; false for one that is none. */
  async #write({ file, text }: Block): Promise<boolean> {
    if (file === undefined) return false
    const path = join(this.folder, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return true
  }

  async #execute(block: Block, script: string): Promise<boolean> {
    const state = join(this.scratch.root, "state", this.folder.slice(this.scratch.root.length + 1))
    await mkdir(state, { recursive: true })
    const file = join(state, `block-${block.line}.sh`)
    await writeFile(file, withState(state, this.folder, script))
    const [stdout, stderr] = [`${file}.stdout`, `${file}.stderr`]
    // Files and not pipes: what a block leaves running would hold a pipe open.
    const child = Bun.spawn(["bash", file], {
      cwd: this.folder,
      env: this.scratch.env,
      stdin: "ignore",
      stdout: Bun.file(stdout),
      stderr: Bun.file(stderr),
      detached: true
    })
    this.#groups.push(child.pid)
    const timer = setTimeout(() => process.kill(-child.pid, "SIGKILL"), this.millisMax)
    const code = await child.exited
    clearTimeout(timer)
    this.#printed = { stdout: await Bun.file(stdout).text(), stderr: await Bun.file(stderr).text() }
    if (code === block.exitCode) return true
    const over = child.signalCode === "SIGKILL" ? `, as it was not done after ${this.millisMax / 1000} s` : ""
    throw new Error(
      `${placeOf(block)} ended with ${code}, not ${block.exitCode}${over}\n${this.#printed.stdout}${this.#printed.stderr}`
    )
  }

  #compare(block: Block, stream: "stdout" | "stderr"): boolean {
    const printed = this.#printed?.[stream]
    if (printed === undefined) throw new Error(`${placeOf(block)} shows what no block has printed`)
    const difference = differenceOf(block.text, printed)
    if (difference === undefined) return true
    throw new Error(`${placeOf(block)}: ${difference}\nIt printed:\n${printed}`)
  }
}

/** The script between the state that the block before left and the state that it leaves. */
const withState = (state: string, folder: string, script: string): string => `set -euo pipefail
if [ -f "${state}/exports" ]; then . "${state}/exports"; cd "$(cat "${state}/folder")"; else cd "${folder}"; fi
trap 'code=$?; pwd > "${state}/folder"; export -p > "${state}/exports"; exit $code' EXIT
${script}`
