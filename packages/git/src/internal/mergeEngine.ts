/**
 * Three-way merges of trees by `git merge-tree`, without a checkout and with a base of our choice.
 *
 * Before 2.40 git takes no explicit base, so the trees are wrapped into throw-away commits: a parentless B with the
 * base tree, and O and T with parent B. B is then their only merge base. They lie in the quarantine and never leave it.
 *
 * Two engines give the same answers:
 * - `stream` keeps one `merge-tree --stdin` open. Before 2.49 git does not flush its answers, so each question is
 *   followed by a second one whose answer (about 20 kB, because of a very long path in conflict) pushes the first out
 *   of git's 4 KiB output buffer. No pseudo-terminal and no `stdbuf` are needed, and stderr stays apart.
 * - `process` starts git for each merge. It takes over when the stream does not answer in time or not as expected.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Git, GitError, versionAtLeast } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import type { QuarantineError } from "../patch/QuarantineError.ts"
import { type ByteReader, makeByteReader } from "./byteReader.ts"
import { type MergeOutcome, readSingleConflict, readStreamRecord, readTree } from "./mergeOutput.ts"
import type { Quarantine } from "./quarantine.ts"

/** Longest wait for an answer of the stream, in milliseconds, before the other engine does the merge. */
const answerMillisMax = 10_000

/** Settings that decide results, pinned so that two clones with different configurations agree. */
export const pinnedConfig = [
  "merge.conflictStyle=zdiff3",
  "merge.renames=true",
  "merge.renameLimit=7000",
  "merge.directoryRenames=conflict",
  "merge.renormalize=false",
  "merge.verbosity=2",
  // The base in marked texts: its length would depend on the settings, and on the number of objects of the clone.
  "core.abbrev=7",
  // Files that no attribute speaks of are merged as text; `.gitattributes` are those of upstream.
  "merge.default=",
  "core.attributesFile=/dev/null"
].flatMap((setting) => ["-c", setting])

/** `auto` is `stream` with `process` to take over; `replay` (`internal/replay.ts`) is `auto` for what it does not know ahead. */
export type EngineChoice = "auto" | "stream" | "process" | "replay"

/** Three trees. */
export interface MergeQuestion {
  readonly base: string
  readonly ours: string
  readonly theirs: string
}

/** The answer, and the throw-away commits whose ids git uses as labels in messages and marked texts. */
export interface MergeAnswer {
  readonly outcome: MergeOutcome
  readonly labels: MergeQuestion
}

export interface MergeEngine {
  readonly merge: (question: MergeQuestion) => Effect.Effect<MergeAnswer, GitError | QuarantineError>
}

export interface MergeEngineOptions {
  readonly quarantine: Quarantine
  /** Folder in which git finds the `.gitattributes` files that are to hold. */
  readonly attributesDirectory: string
  readonly engine: EngineChoice
}

/** An engine that lives as long as the scope. */
export const makeMergeEngine = Effect.fnUntraced(function* (options: MergeEngineOptions) {
  const git = yield* Git
  const separate = makeProcessAsk(git, options)
  const streams = options.engine !== "process" && versionAtLeast(git.version, { major: 2, minor: 39 })
  const ask = streams ? yield* makeStreamAsk(git, options, separate) : separate
  const engine: MergeEngine = {
    merge: (question) =>
      Effect.gen(function* () {
        const labels = yield* wrap(options.quarantine, question)
        return { outcome: yield* ask(labels), labels }
      })
  }
  return engine
})

/** A merged tree, or the answer that says why there is none. */
export type MergedTrees =
  | { readonly _tag: "Merged"; readonly tree: ObjectId }
  | {
      readonly _tag: "Unmerged"
      readonly answer: MergeAnswer
      readonly outcome: Extract<MergeOutcome, { readonly clean: false }>
    }

/** Merges trees, and starts nothing where two of the three are equal: then the third one is the result. */
export const mergeTrees = Effect.fnUntraced(function* (
  engine: MergeEngine,
  trees: { readonly base: ObjectId; readonly ours: ObjectId; readonly theirs: ObjectId }
) {
  const merged = (tree: ObjectId): MergedTrees => ({ _tag: "Merged", tree })
  if (trees.base === trees.ours) return merged(trees.theirs)
  if (trees.base === trees.theirs || trees.ours === trees.theirs) return merged(trees.ours)
  const answer = yield* engine.merge(trees)
  const { outcome } = answer
  if (outcome.clean) return merged(outcome.tree)
  const unmerged: MergedTrees = { _tag: "Unmerged", answer, outcome }
  return unmerged
})

// --- internal ---

type GitService = typeof Git.Service
type Ask = (labels: MergeQuestion) => Effect.Effect<MergeOutcome, GitError>

const gitCommand = (options: MergeEngineOptions, more: ReadonlyArray<string>) => ({
  args: [
    ...pinnedConfig,
    // Each id would be looked up as the name of a ref as well, in a dozen places.
    ...["-c", "core.warnAmbiguousRefs=false"],
    ...options.quarantine.settings,
    ...["merge-tree", "--write-tree", "-z", ...more]
  ],
  cwd: options.attributesDirectory,
  env: {
    ...options.quarantine.env,
    // Attributes come from this folder alone: a dirty work tree or index must not change a result.
    GIT_ATTR_NOSYSTEM: "1",
    GIT_WORK_TREE: options.attributesDirectory,
    GIT_INDEX_FILE: `${options.quarantine.directory}/no-index`
  }
})

const protocolError = (options: MergeEngineOptions) => (what: string) =>
  new GitError({
    args: ["merge-tree", "--write-tree"],
    cwd: options.attributesDirectory,
    reason: "protocol",
    exitCode: null,
    stderr: `the output is not understood: ${what}`
  })

const identity = "patchmoi <patchmoi@localhost> 1 +0000"

const wrap = (quarantine: Quarantine, trees: MergeQuestion) =>
  Effect.gen(function* () {
    const commit = (tree: string, parent: ObjectId | null, label: string) => {
      const head = parent === null ? `tree ${tree}\n` : `tree ${tree}\nparent ${parent}\n`
      const text = `${head}author ${identity}\ncommitter ${identity}\n\n${label}\n`
      return quarantine.write("commit", Buffer.from(text))
    }
    const base = yield* commit(trees.base, null, "base")
    const ours = yield* commit(trees.ours, base, "ours")
    const theirs = yield* commit(trees.theirs, base, "theirs")
    return { base, ours, theirs } satisfies MergeQuestion
  })

const makeProcessAsk =
  (git: GitService, options: MergeEngineOptions): Ask =>
  (labels) =>
    Effect.gen(function* () {
      const malformed = protocolError(options)
      const output = yield* git.run({
        ...gitCommand(options, [labels.ours, labels.theirs]),
        okExitCodes: [0, 1]
      })
      const bytes = Buffer.from(output.stdout)
      let sent = false
      const source = {
        read: Effect.sync(() => {
          if (sent) return new Uint8Array()
          sent = true
          // A single merge has no closing NUL, so one is added and both forms read alike.
          return Buffer.concat([bytes, Buffer.from([0])])
        })
      }
      // Exit code 1 also stands for a revision that git cannot merge, and then stderr says why.
      const reader = makeByteReader(source, () => malformed(output.stderr.trim() || "it ends too early"))
      if (output.exitCode === 1) return yield* readSingleConflict(reader.until(0), malformed)
      const tree = yield* readTree(reader.until(0), malformed)
      return { clean: true, tree } satisfies MergeOutcome
    })

const makeStreamAsk = (
  git: GitService,
  options: MergeEngineOptions,
  separate: Ask
): Effect.Effect<Ask, GitError | QuarantineError, Scope.Scope> =>
  Effect.gen(function* () {
    const padding = yield* makePadding(options.quarantine)
    const malformed = protocolError(options)
    // `--stdin` implies -z.
    const command = gitCommand(options, ["--stdin"])
    const process = yield* git.open(command)
    const reader: ByteReader<GitError> = makeByteReader(process, () => malformed("it ends too early"))
    const record = readStreamRecord(reader.until(0), malformed)
    let questions = 0
    let broken = false
    const askStream = (labels: MergeQuestion) =>
      Effect.gen(function* () {
        yield* process.write(`${labels.ours} ${labels.theirs}\n${padding.ours} ${padding.theirs}\n`)
        // The padding of the question before this one arrives in full only now.
        if (questions > 0) yield* record
        questions += 1
        return yield* record
      }).pipe(
        Effect.timeoutFail({ duration: answerMillisMax, onTimeout: () => malformed("no answer in time") })
      )
    return (labels) =>
      Effect.suspend(() => {
        if (broken) return separate(labels)
        return askStream(labels).pipe(
          Effect.catchTag("GitError", (error) => {
            broken = true
            return options.engine === "stream" ? Effect.fail(error) : separate(labels)
          })
        )
      })
  })

/** Length of the path in the padding conflict. Git prints it five times: more than any stdio buffer for a pipe. */
const paddingPathLength = 4_000

const makePadding = (quarantine: Quarantine) =>
  Effect.gen(function* () {
    const tree = (content: string) =>
      Effect.gen(function* () {
        const blob = yield* quarantine.write("blob", Buffer.from(content))
        const entry = Buffer.from(`100644 ${"p".repeat(paddingPathLength)}\0`)
        return yield* quarantine.write("tree", Buffer.concat([entry, Buffer.from(blob, "hex")]))
      })
    const empty = yield* quarantine.write("tree", Buffer.alloc(0))
    // Modify/delete: the cheapest conflict, because no contents are merged.
    return yield* wrap(quarantine, {
      base: yield* tree("base\n"),
      ours: yield* tree("ours\n"),
      theirs: empty
    })
  })
