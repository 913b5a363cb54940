/**
 * Generated forks: a base, a release, and a stack of patches, with edits, renames, renamed folders, removals, modes, symlinks,
 * binaries and CRLF. The same seed gives the same fork. Written by `git fast-import`, because a suite makes thousands.
 */
import * as Effect from "effect/Effect"
import { makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"

/** A file as git stores it. */
export interface HistoryFile {
  readonly mode: "100644" | "100755" | "120000"
  readonly content: Buffer
}

export interface History {
  readonly repo: TempRepo
  /** The commits of the stack in the order in which they are picked, each with its patch. */
  readonly owners: ReadonlyMap<string, string>
}

/** Numbers from a seed (mulberry32), so that a failing history can be made again. */
export const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export type Random = ReturnType<typeof randomOf>

/** What a history may hold. Without both `add` and `remove` git can find no rename. */
export type HistoryKind = "all" | "add" | "remove"

/** The fork of a seed: `v1`, `main` with the release, and `patch/0` and so on, one in four on the patch before it. */
export const makeHistory = (options: { readonly seed: number; readonly kind?: HistoryKind }) =>
  Effect.gen(function* () {
    const random = randomOf(options.seed)
    const kind = options.kind ?? "all"
    const stream = makeStream()
    const base = new Map<string, HistoryFile>()
    for (let at = 0; at < 12; at++) base.set(`dir${at % 4}/file${at}`, freshFile(random))
    const first = stream.commit("refs/tags/v1", "base", null, base)
    const commits: Array<readonly [mark: number, patch: string]> = []
    let below: { readonly mark: number; readonly contents: Contents } = { mark: first, contents: base }
    for (let at = 0; at < 4; at++) {
      const patch = `patch/${at}`
      if (at === 0 || random(4) !== 0) below = { mark: first, contents: base }
      for (let count = 1 + random(2); count > 0; count--) {
        const contents = changed(random, kind, below.contents)
        const message = `${patch}\n\nseed ${options.seed}, ${count}\n`
        below = { mark: stream.commit(`refs/heads/${patch}`, message, below.mark, contents), contents }
        commits.push([below.mark, patch])
      }
    }
    stream.commit("refs/heads/main", "release\n", first, changed(random, kind, base))
    const repo = yield* makeTempRepo()
    yield* repo.run({ args: ["fast-import", "--quiet", "--export-marks=marks"], stdin: stream.bytes() })
    const marks = yield* Effect.promise(() => Bun.file(`${repo.directory}/marks`).text())
    const ids = new Map(
      marks
        .split("\n")
        .map((line) => [Number(line.slice(1, line.indexOf(" "))), line.slice(line.indexOf(" ") + 1)])
    )
    const history: History = {
      repo,
      owners: new Map(commits.map(([mark, patch]) => [ids.get(mark) ?? "", patch]))
    }
    return history
  })

// --- internal ---

type Contents = ReadonlyMap<string, HistoryFile>

const makeStream = () => {
  const parts: Array<Buffer> = []
  let marks = 0
  const data = (bytes: Buffer) => parts.push(Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n"))
  return {
    bytes: () => Buffer.concat(parts),
    commit: (ref: string, message: string, parent: number | null, contents: Contents): number => {
      marks += 1
      const who = `<who@example.com> ${1_700_000_000 + marks * 60} +0100`
      parts.push(
        Buffer.from(`commit ${ref}\nmark :${marks}\nauthor Ada Author ${who}\ncommitter Cleo ${who}\n`)
      )
      data(Buffer.from(message))
      if (parent !== null) parts.push(Buffer.from(`from :${parent}\n`))
      parts.push(Buffer.from("deleteall\n"))
      for (const [path, { mode, content }] of contents) {
        parts.push(Buffer.from(`M ${mode} inline ${path}\n`))
        data(content)
      }
      return marks
    }
  }
}

const textOf = (random: Random, crlf: boolean): Buffer =>
  Buffer.from(
    Array.from({ length: 12 + random(20) }, (_, at) => `line ${at} ${random(4)}${crlf ? "\r\n" : "\n"}`).join(
      ""
    )
  )

const freshFile = (random: Random): HistoryFile => {
  switch (random(8)) {
    case 0:
      return { mode: "100644", content: Buffer.from(Array.from({ length: 64 }, () => random(256))) }
    case 1:
      return { mode: "100755", content: textOf(random, false) }
    case 2:
      return { mode: "120000", content: Buffer.from(`target-${random(3)}`) }
    case 3:
      return { mode: "100644", content: textOf(random, true) }
    default:
      return { mode: "100644", content: textOf(random, false) }
  }
}

const edited = (random: Random, file: HistoryFile): HistoryFile => {
  const text = file.content.toString("latin1")
  if (file.mode === "120000" || !text.startsWith("line ")) return freshFile(random)
  if (random(6) === 0) return { ...file, mode: file.mode === "100644" ? "100755" : "100644" }
  const lines = text.split("\n")
  const at = random(lines.length)
  if (random(4) === 0) lines.splice(at, random(3), `inserted ${random(5)}`)
  else lines[at] = `edited ${random(5)}`
  return { ...file, content: Buffer.from(lines.join("\n"), "latin1") }
}

/** The files after one to three changes. */
const changed = (random: Random, kind: HistoryKind, from: Contents): Contents => {
  const contents = new Map(from)
  for (let count = 1 + random(3); count > 0; count--) change(random, kind, contents)
  return contents
}

const change = (random: Random, kind: HistoryKind, contents: Map<string, HistoryFile>): void => {
  const paths = [...contents.keys()].sort()
  const path = paths[random(paths.length)] ?? "dir0/first"
  const file = contents.get(path) ?? freshFile(random)
  const target = `dir${random(4)}/moved${random(30)}`
  const action = random(16)
  if (action < 2 && kind !== "add") contents.delete(path)
  else if (action < 4 && kind === "all" && !contents.has(target)) {
    contents.delete(path)
    contents.set(target, file)
  } else if (action < 6 && kind !== "remove")
    contents.set(`dir${random(4)}/added${random(30)}`, freshFile(random))
  else if (action === 6 && kind === "all")
    renameFolder(contents, path.slice(0, path.indexOf("/")), `new${random(3)}`)
  else contents.set(path, edited(random, file))
}

const renameFolder = (contents: Map<string, HistoryFile>, folder: string, to: string): void => {
  for (const [path, file] of [...contents]) {
    const target = `${to}/${path.slice(folder.length + 1)}`
    if (!path.startsWith(`${folder}/`) || contents.has(target)) continue
    contents.delete(path)
    contents.set(target, file)
  }
}
