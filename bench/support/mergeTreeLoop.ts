/**
 * The floor of a rebuild: one long-lived `git merge-tree --stdin` and the least around it. No quarantine, no attributes, no
 * checks, no conflict records, no moving of objects: what any engine on merge-tree has to do at least.
 */
import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { deflateSync } from "node:zlib"
import { isolatedEnvironment } from "../../packages/git/src/testing/TempRepo.ts"

/** The tree after all commits, which all stand on one parent. Conflicts end it. */
export const bareMergeTreeLoop = async (options: {
  readonly gitDirectory: string
  readonly onto: string
  readonly commits: ReadonlyArray<string>
}): Promise<string> => {
  const objects = await mkdtemp(join(tmpdir(), "floor-"))
  const env = {
    PATH: process.env["PATH"],
    ...isolatedEnvironment,
    GIT_DIR: options.gitDirectory,
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: join(options.gitDirectory, "objects")
  }
  const read = await readCommits(env, [options.onto, ...options.commits])
  const [onto, ...picks] = read
  const parents = await readCommits(
    env,
    picks.map(({ parent }) => parent)
  )
  // 2.39 does not flush its answers by itself.
  const merger = Bun.spawn(["stdbuf", "-o0", "git", "merge-tree", "--write-tree", "--stdin"], {
    env,
    stdin: "pipe",
    stdout: "pipe"
  })
  const reader = merger.stdout.getReader()
  let left = ""
  const answer = async (): Promise<string> => {
    while (!left.endsWith("\0\0")) {
      const { value } = await reader.read()
      if (value === undefined) throw new Error("merge-tree ended")
      left += Buffer.from(value).toString("latin1")
    }
    const [status, tree = ""] = left.split("\0")
    left = ""
    if (status !== "1") throw new Error("a conflict")
    return tree
  }
  const write = (content: string): string => {
    const framed = Buffer.from(`commit ${content.length}\0${content}`, "latin1")
    const id = createHash("sha1").update(framed).digest("hex")
    mkdirSync(join(objects, id.slice(0, 2)), { recursive: true })
    writeFileSync(join(objects, id.slice(0, 2), id.slice(2)), deflateSync(framed, { level: 1 }))
    return id
  }
  const wrapped = (tree: string, parent: string) => write(`tree ${tree}\n${parent}${who}\n\nx\n`)
  let tree = onto?.tree ?? ""
  let tip = options.onto
  for (const [at, pick] of picks.entries()) {
    const base = wrapped(parents[at]?.tree ?? "", "")
    const parent = `parent ${base}\n`
    merger.stdin.write(`${wrapped(tree, parent)} ${wrapped(pick.tree, parent)}\n`)
    await merger.stdin.flush()
    tree = await answer()
    tip = write(`tree ${tree}\nparent ${tip}\n${pick.rest}`)
  }
  await merger.stdin.end()
  await merger.exited
  await rm(objects, { recursive: true })
  return tree
}

const who = "author x <x@x> 1 +0000\ncommitter x <x@x> 1 +0000"

const readCommits = async (env: Record<string, string | undefined>, ids: ReadonlyArray<string>) => {
  const child = Bun.spawn(["git", "cat-file", "--batch"], { env, stdin: "pipe", stdout: "pipe" })
  child.stdin.write(`${ids.join("\n")}\n`)
  await child.stdin.end()
  const bytes = Buffer.from(await new Response(child.stdout).arrayBuffer())
  const commits: Array<{ readonly tree: string; readonly parent: string; readonly rest: string }> = []
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.indexOf(10, at)
    const size = Number(bytes.toString("latin1", at, head).split(" ")[2])
    const text = bytes.toString("latin1", head + 1, head + 1 + size)
    commits.push({
      tree: text.slice(5, 45),
      parent: /^parent (\w+)$/m.exec(text)?.[1] ?? "",
      rest: text.slice(text.indexOf("author "))
    })
    at = head + 1 + size + 1
  }
  return commits
}
