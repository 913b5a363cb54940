/**
 * Answers of checks, kept below `<git common dir>/patchmoi/checks/` and shared by all candidates and work trees of a
 * repository.
 *
 * 1. The key is the tree, the commands up to and including this one (a sequence shares its work tree), the kind, and the
 *    digest of the toolchain. Never the commit: the same tree is the same question.
 * 2. Only `passed` and `failed` are kept. Over its time says something about the machine, not about the tree.
 * 3. Each answer is one file, written aside and renamed. One that cannot be read, or means nothing, counts as absent.
 * 4. At most `checkCacheEntriesMax` files; those that were used longest ago go first. The folder may be removed at any time.
 */
import { createHash } from "node:crypto"
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import { makeSharedFolder } from "../internal/sharedFolder.ts"
import type { Repository } from "../Repository.ts"
import type { CheckKind } from "./Check.ts"
import { CheckResult } from "./Checks.ts"

/** Answers that are kept for one repository unless the caller says otherwise. */
export const checkCacheEntriesMax = 4_000

/** Longest file of an answer, in bytes: 256 KiB. An answer with more output keeps its end. */
export const checkCacheEntryBytesMax = 256 * 1024

/** What is asked, in full. */
export interface CheckQuestion {
  readonly tree: ObjectId
  readonly kind: CheckKind
  /** The command, and before it those of the sequence whose work tree it shares. */
  readonly commands: ReadonlyArray<string>
  /** Digest of the toolchain. */
  readonly toolchain: string
}

/** An answer as it is kept. */
export const KeptAnswer = Schema.Struct({
  version: Schema.Literal(1),
  tree: ObjectId,
  toolchain: Schema.String,
  result: Schema.Struct({ ...CheckResult.fields, outcome: Schema.Literal("passed", "failed") }),
  /** How often this answer was given in a row. */
  times: Schema.Int.pipe(Schema.positive()),
  /** True when another answer was given at this tree earlier. */
  flaky: Schema.Boolean
})
export type KeptAnswer = typeof KeptAnswer.Type

/** Where answers of checks outlive a run, made by `makeCheckCache`. Never fails: without its answer a check runs again. */
export interface CheckCache {
  /** The answer that is kept, or `null`. Using it counts as a use. */
  readonly read: (question: CheckQuestion) => Effect.Effect<KeptAnswer | null>
  /** Keeps an answer. A disk that refuses is logged as a warning: the check is then run again the next time. */
  readonly write: (question: CheckQuestion, answer: KeptAnswer) => Effect.Effect<void>
}

/** The cache of the repository. Nothing is written before the first answer. */
export const makeCheckCache = (options: {
  readonly repository: Repository
  /** (Default: 4,000.) */
  readonly entriesMax?: number
}): CheckCache => {
  const folder = join(options.repository.commonDirectory, "patchmoi", "checks")
  const entriesMax = options.entriesMax ?? checkCacheEntriesMax
  return {
    read: (question) =>
      Effect.gen(function* () {
        const path = join(folder, nameOf(question))
        const text = yield* Effect.promise(() => readIfSmall(path))
        const kept = text === null ? Option.none() : decode(text)
        if (Option.isNone(kept) || !isAnswerTo(kept.value, question)) return null
        const seconds = (yield* Clock.currentTimeMillis) / 1000
        // Another process may have removed it meanwhile; the answer holds all the same.
        yield* Effect.promise(() => utimes(path, seconds, seconds).catch(() => undefined))
        return kept.value
      }),
    write: (question, answer) =>
      Effect.gen(function* () {
        const name = nameOf(question)
        const partial = join(folder, `${name}.${yield* Random.nextIntBetween(0, 2 ** 31)}.partial`)
        yield* Effect.tryPromise(async () => {
          await place(folder, partial, join(folder, name), encodeShort(answer))
          await evict(folder, entriesMax)
        })
      }).pipe(
        Effect.catchTag("UnknownException", ({ error }) =>
          Effect.logWarning(`The answer of a check was not kept in ${folder}: ${String(error)}`)
        )
      )
  }
}

// --- internal ---

const decode = Schema.decodeUnknownOption(Schema.parseJson(KeptAnswer))
const encode = Schema.encodeSync(Schema.parseJson(KeptAnswer))

const nameOf = ({ tree, kind, commands, toolchain }: CheckQuestion): string =>
  `${createHash("sha256")
    .update(JSON.stringify([1, tree, kind, commands, toolchain]))
    .digest("hex")}.json`

/** A file that was copied or renamed by hand answers nothing. */
const isAnswerTo = (kept: KeptAnswer, { tree, commands, toolchain }: CheckQuestion): boolean =>
  kept.tree === tree && kept.toolchain === toolchain && kept.result.command === commands.at(-1)

const readIfSmall = async (path: string): Promise<string | null> => {
  try {
    if ((await stat(path)).size > checkCacheEntryBytesMax) return null
    return await readFile(path, "utf8")
  } catch {
    // Absent, a folder, not ours to read: in each case there is no answer.
    return null
  }
}

/** The entry as text, its output cut at the front until it fits. JSON makes at most six bytes of one. */
const encodeShort = (answer: KeptAnswer): string => {
  const text = encode(answer)
  if (Buffer.byteLength(text) <= checkCacheEntryBytesMax) return text
  const { output } = answer.result
  const kept = Buffer.from(output)
    .subarray(-Math.floor(checkCacheEntryBytesMax / 16))
    .toString()
  const omitted = Math.max(0, Buffer.byteLength(output) - Buffer.byteLength(kept))
  const outputBytesOmitted = answer.result.outputBytesOmitted + omitted
  return encode({ ...answer, result: { ...answer.result, output: kept, outputBytesOmitted } })
}

const place = async (folder: string, partial: string, target: string, text: string): Promise<void> => {
  await makeSharedFolder(folder)
  try {
    await writeFile(partial, text, { flag: "wx" })
    await rename(partial, target)
  } finally {
    await rm(partial, { force: true })
  }
}

/** Removes what was used longest ago, a tenth at a time, so that most writes look at no file but their own. */
const evict = async (folder: string, entriesMax: number): Promise<void> => {
  const names = await readdir(folder)
  if (names.length <= entriesMax) return
  const used = await Promise.all(
    names.map(async (name) => ({
      name,
      at: (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0
    }))
  )
  used.sort((a, b) => a.at - b.at)
  const surplus = names.length - Math.floor(entriesMax * 0.9)
  for (const { name } of used.slice(0, surplus)) await rm(join(folder, name), { force: true })
}
