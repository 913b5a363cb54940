/** Takes the lines of an export one by one, and writes what they hold in commits of a bounded size. */
import * as Effect from "effect/Effect"
import { LinesHash } from "../internal/digest.ts"
import { type AnyAggregate, documentWrite, splitStream } from "./Aggregate.ts"
import type {
  DocumentWrite,
  Driver,
  DriverCommit,
  OutputRecord,
  RestoreCommit,
  RestoredStream
} from "./Driver.ts"
import type { LogRow, StoreError, VersionConflict } from "./Log.ts"
import { documentsDigest } from "./TransferDigest.ts"
import {
  decodeTransferLine,
  type TransferLine,
  TransferRefused,
  TransferUnsupported,
  transferVersion
} from "./TransferFormat.ts"

/** What was moved. */
export interface TransferReport {
  /** The kind of store that it came from. */
  readonly source: string
  readonly facts: number
  readonly outputs: number
  /** The digest of all documents, the same in both stores; null when a writer went on while the store was exported. */
  readonly documents: string | null
}

/** Facts of one commit, and streams without their first facts that are made at a time. */
const commitFacts = 512
/** Most characters of facts in one commit, unless one fact has more. */
const commitLengthMax = 4 * 1_048_576

type Failure = StoreError | VersionConflict | TransferRefused | TransferUnsupported

/**
 * Takes one export into one empty store: `take` for each line in order, then `finish` once. It writes as it goes: throw the
 * store away when either fails. `importLog` is the way in for everybody else.
 */
export class Importer {
  readonly #hash = new LinesHash()
  readonly #aggregates: ReadonlyMap<string, AnyAggregate>
  #line = 0
  #source: string | undefined
  #end: Extract<TransferLine, { kind: "end" }> | undefined
  #rows: Array<LogRow> = []
  #rowsLength = 0
  #streams = new Map<string, RestoredStream>()
  #position = 0
  /** The first line that the store cannot take, as it cannot have gaps. */
  #gapLine: number | undefined
  #facts = 0
  #outputs = 0

  constructor(
    readonly driver: Driver,
    readonly aggregates: ReadonlyArray<AnyAggregate>
  ) {
    this.#aggregates = new Map(aggregates.map((aggregate) => [aggregate.name, aggregate]))
  }

  /** Takes the next line, without its newline. */
  take(text: string): Effect.Effect<void, Failure> {
    return Effect.suspend(() => {
      this.#line += 1
      const line = decodeTransferLine(text)
      if (line._tag === "Left") return this.#refuse(line.left)
      const flaw = this.#misplaced(line.right)
      if (flaw !== undefined) return this.#refuse(flaw)
      if (line.right.kind !== "end") this.#hash.add(text)
      return this.#apply(line.right)
    })
  }

  /** Writes what is left and proves that everything arrived. */
  readonly finish: Effect.Effect<TransferReport, Failure> = Effect.gen(this, function* () {
    const end = this.#end
    if (end === undefined || this.#source === undefined) {
      this.#line += 1
      return yield* this.#refuse("the last line, of kind end, is missing: the export was cut")
    }
    if (end.sha256 !== this.#hash.finish()) {
      return yield* this.#refuse("the SHA-256 of the lines does not match: the export was altered")
    }
    if (end.facts !== this.#facts || end.outputs !== this.#outputs) {
      return yield* this.#refuse(
        `it counts ${end.facts} facts and ${end.outputs} outputs, and ${this.#facts} and ${this.#outputs} came before`
      )
    }
    if (this.#gapLine !== undefined) {
      return yield* new TransferUnsupported({ kind: this.driver.kind, line: this.#gapLine })
    }
    yield* this.#commit
    const documents = yield* documentsDigest(this.driver, this.aggregates)
    if (end.documents !== null && end.documents !== documents) {
      return yield* this.#refuse(
        "the documents that follow from the facts are not those of the store that was exported: it was written by another version of patchmoi"
      )
    }
    return { source: this.#source, facts: this.#facts, outputs: this.#outputs, documents: end.documents }
  })

  /** What is wrong with the place of a line; undefined when nothing is. */
  #misplaced(line: TransferLine): string | undefined {
    if (this.#end !== undefined) return "a line stands behind the end"
    if (line.kind !== "header") {
      return this.#source === undefined ? "an export begins with a line of kind header" : undefined
    }
    if (this.#source !== undefined) return "a second header"
    return line.version === transferVersion
      ? undefined
      : `it has version ${line.version} of the format, and this patchmoi reads version ${transferVersion}`
  }

  #apply(line: TransferLine): Effect.Effect<void, Failure> {
    switch (line.kind) {
      case "header":
        this.#source = line.source
        return Effect.void
      case "fact":
        return this.#takeFact(line)
      case "output": {
        const { kind: _, attempt, ...record } = line
        return this.#takeOutput(attempt, record)
      }
      case "stream":
        return this.#takeStream(line)
      case "end":
        this.#end = line
        return Effect.void
    }
  }

  #takeFact({ position, stream, version, at, type, data }: LogRow): Effect.Effect<void, Failure> {
    if (position <= this.#position) {
      return this.#refuse(`position ${position} where ${this.#position + 1} was expected`)
    }
    if (position > this.#position + 1) this.#noteGap()
    this.#position = position
    this.#facts += 1
    if (this.#gapLine !== undefined) return Effect.void
    this.#rows.push({ position, stream, version, at, type, data })
    this.#rowsLength += data.length
    return this.#rows.length < commitFacts && this.#rowsLength < commitLengthMax ? Effect.void : this.#commit
  }

  #takeStream({ stream, created, version }: RestoredStream): Effect.Effect<void, Failure> {
    this.#noteGap()
    if (this.#gapLine !== undefined) return Effect.void
    if (this.#streams.has(stream)) return this.#refuse(`stream ${stream} is there twice`)
    this.#streams.set(stream, { stream, created, version })
    return this.#streams.size < commitFacts ? Effect.void : this.#commit
  }

  #takeOutput(attempt: string, record: OutputRecord): Effect.Effect<void, StoreError> {
    this.#outputs += 1
    if (this.#gapLine !== undefined) return Effect.void
    return Effect.asVoid(this.driver.outputs.append(attempt, [record], undefined, undefined))
  }

  /** From the first gap that the store cannot have, lines are only checked: it may be that one was lost. */
  #noteGap(): void {
    if (this.driver.restore === undefined) this.#gapLine ??= this.#line
  }

  /** Makes the streams that wait, whose facts come after this. */
  readonly #restoreStreams: Effect.Effect<void, Failure> = Effect.gen(this, function* () {
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    for (const { stream } of streams) {
      const { name, key } = splitStream(stream)
      const { version } = yield* this.driver.load(name, key, stream)
      if (version > 0) return yield* this.#refuse(`stream ${stream} is there already`)
    }
    const { restore } = this.driver
    if (restore !== undefined && streams.length > 0) yield* restore.streams(streams)
  })

  /** Commits the facts that wait, with the documents that follow from them. */
  readonly #commit: Effect.Effect<void, Failure> = Effect.gen(this, function* () {
    yield* this.#restoreStreams
    const rows = this.#rows
    if (rows.length === 0) return
    this.#rows = []
    this.#rowsLength = 0
    const streams = byStream(rows)
    const documents = yield* Effect.forEach(streams, ([stream, facts]) => this.#fold(stream, facts))
    const commit: RestoreCommit = {
      expected: streams.map(([stream, [first]]) => ({ stream, version: (first?.version ?? 1) - 1 })),
      facts: rows,
      documents: documents.flat()
    }
    const written = this.driver.restore?.commit(commit) ?? this.driver.commit(withoutPositions(commit))
    yield* written.pipe(
      Effect.catchTag("VersionConflict", ({ stream, expected: found, actual }) =>
        this.#refuse(
          `stream ${stream} goes on from version ${found}, and the facts before it end at ${actual}`
        )
      )
    )
  })

  /** The document of a stream after these rows of it; none when nothing here folds it. */
  #fold(
    stream: string,
    rows: ReadonlyArray<LogRow>
  ): Effect.Effect<ReadonlyArray<DocumentWrite>, StoreError> {
    const { name, key } = splitStream(stream)
    const aggregate = this.#aggregates.get(name)
    if (aggregate === undefined) return Effect.succeed([])
    return Effect.map(this.driver.load(name, key, stream), ({ value }) => {
      let document: unknown = value === undefined ? undefined : JSON.parse(value)
      for (const { type, data, at } of rows) {
        const fact = aggregate.decodeFact(type, data)
        if (fact._tag !== "UnknownFact") document = aggregate.evolve(document, fact, { key, at })
      }
      return [documentWrite(aggregate, key, rows.at(-1)?.version ?? 0, document)]
    })
  }

  #refuse(reason: string): Effect.Effect<never, TransferRefused> {
    return Effect.fail(new TransferRefused({ line: this.#line, reason }))
  }
}

// --- internal ---

/** The facts of each stream, in order. Without `Map.groupBy`, which Node 20 lacks. */
const byStream = <Fact extends { readonly stream: string }>(facts: ReadonlyArray<Fact>) => {
  const streams = new Map<string, Array<Fact>>()
  for (const fact of facts) {
    const known = streams.get(fact.stream)
    if (known === undefined) streams.set(fact.stream, [fact])
    else known.push(fact)
  }
  return [...streams]
}

/** The commit for a store that counts positions itself: there is no gap, so it counts the same. */
const withoutPositions = ({ expected, facts, documents }: RestoreCommit): DriverCommit => ({
  expected,
  documents,
  facts: facts.map(({ position: _, ...fact }) => fact)
})
