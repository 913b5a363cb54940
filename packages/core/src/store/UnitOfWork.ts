/**
 * One unit of work: what it loaded, what it appended, and the commit of both.
 *
 * 1. A unit is plain code over documents. Facts fold into the documents at once, so that a later load in the same unit
 *    sees them.
 * 2. A document that the driver cannot give at once is loaded, and the unit goes back to where it began: it may do nothing
 *    that must not be done twice.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type Aggregate, type AnyAggregate, documentWrite, streamOf } from "./Aggregate.ts"
import type { Driver, Lease, LeaseWrite, StoredDocument } from "./Driver.ts"
import { type EncodedFact, StoreError, type VersionConflict } from "./Log.ts"
import { parseDocument } from "./parseDocument.ts"

/** What a unit of work may do, in plain code. */
export interface Unit {
  /** When the unit began, in milliseconds since the Unix epoch: the time of its facts. */
  readonly now: number
  /** The document of one thing, with the facts of this unit folded in; undefined when it does not exist. */
  readonly load: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string
  ) => Document | undefined
  /**
   * Decides a command and appends the facts that follow from it; gives them with the document after them.
   * A rejection is Left and appends nothing.
   */
  readonly execute: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string,
    command: Command
  ) => Either.Either<Executed<Document, Fact>, Rejection>
  /** Takes a lease, or gives it back (`undefined`), in the commit of the unit. Nothing by itself: a unit without facts commits nothing. */
  readonly putLease: (attemptId: string, lease: Lease | undefined) => void
}

/** What a unit of work may do between other effects. */
export interface Transaction {
  /** When the unit began, in milliseconds since the Unix epoch: the time of its facts. */
  readonly now: number
  /** {@link Unit.load} as an effect. */
  readonly load: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string
  ) => Effect.Effect<Document | undefined, StoreError>
  /** {@link Unit.execute} as an effect; a rejection fails it. */
  readonly execute: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string,
    command: Command
  ) => Effect.Effect<Executed<Document, Fact>, Rejection | StoreError>
  /** Plain code inside this unit; Left fails the effect. It may run more than once. */
  readonly run: <A, E>(work: (unit: Unit) => Either.Either<A, E>) => Effect.Effect<A, E | StoreError>
  /** {@link Unit.putLease}. */
  readonly putLease: Unit["putLease"]
}

/** What a command led to. */
export interface Executed<Document, Fact> {
  readonly facts: ReadonlyArray<Fact>
  readonly document: Document | undefined
}

interface Touched {
  readonly aggregate: AnyAggregate
  readonly key: string
  readonly loadedVersion: number
  version: number
  document: unknown
}

/** The unit of work over a driver. Used for one run of a unit, then thrown away. */
export class UnitOfWork implements Unit {
  readonly #touched = new Map<string, Touched>()
  readonly #facts: Array<EncodedFact> = []
  readonly #leases: Array<LeaseWrite> = []

  constructor(
    readonly driver: Driver,
    readonly now: number
  ) {}

  readonly load: Unit["load"] = (aggregate, key) =>
    this.#touch(aggregate, key).document as DocumentOf<typeof aggregate> | undefined

  readonly execute: Unit["execute"] = (aggregate, key, command) => {
    const touched = this.#touch(aggregate, key)
    let document = touched.document as DocumentOf<typeof aggregate> | undefined
    const decided = aggregate.decide(command, document, key)
    if (Either.isLeft(decided)) return Either.left(decided.left)
    const facts = decided.right
    const place = { key, at: this.now }
    for (const fact of facts) {
      const data = aggregate.encodeFact(fact)
      document = aggregate.evolve(document, fact, place)
      touched.version += 1
      this.#facts.push({
        stream: streamOf(aggregate, key),
        version: touched.version,
        at: this.now,
        type: fact._tag,
        data
      })
    }
    touched.document = document
    return Either.right({ facts, document })
  }

  readonly putLease: Unit["putLease"] = (attemptId, lease) => {
    this.#leases.push({ attemptId, lease })
  }

  /** Runs plain code; what it needs and the driver cannot give at once is loaded, and the code runs again. */
  run<A, E>(work: (unit: Unit) => Either.Either<A, E>): Effect.Effect<A, E | StoreError> {
    return Effect.suspend(() => {
      const mark = this.#mark()
      try {
        return work(this)
      } catch (thrown) {
        if (isStoreError(thrown)) return Effect.fail(thrown)
        if (!(thrown instanceof NotLoaded)) throw thrown
        this.#restore(mark)
        const { aggregate, key } = thrown
        const stream = streamOf(aggregate, key)
        const loaded = Effect.flatMap(this.driver.load(aggregate.name, key, stream), (stored) =>
          touchedOf(aggregate, key, stored)
        )
        return Effect.flatMap(loaded, (touched) => {
          this.#touched.set(stream, touched)
          return this.run(work)
        })
      }
    })
  }

  /** Writes what the unit appended; nothing when it appended nothing. */
  readonly commit: Effect.Effect<void, VersionConflict | StoreError> = Effect.suspend(() => {
    if (this.#facts.length === 0) return Effect.void
    const expected: Array<{ readonly stream: string; readonly version: number }> = []
    const documents = []
    for (const [stream, { aggregate, key, version, loadedVersion, document }] of this.#touched) {
      expected.push({ stream, version: loadedVersion })
      if (version > loadedVersion) documents.push(documentWrite(aggregate, key, version, document))
    }
    return Effect.asVoid(
      this.driver.commit({ expected, facts: this.#facts, leases: this.#leases, documents })
    )
  })

  /** The unit between effects. */
  toTransaction(): Transaction {
    return {
      now: this.now,
      load: (aggregate, key) => this.run((unit) => Either.right(unit.load(aggregate, key))),
      execute: (aggregate, key, command) => this.run((unit) => unit.execute(aggregate, key, command)),
      run: (work) => this.run(work),
      putLease: this.putLease
    }
  }

  #touch(aggregate: AnyAggregate, key: string): Touched {
    const stream = streamOf(aggregate, key)
    const known = this.#touched.get(stream)
    if (known !== undefined) return known
    const stored = this.driver.loadNow?.(aggregate.name, key, stream)
    if (stored === undefined) throw new NotLoaded(aggregate, key)
    const touched = Either.getOrThrowWith(touchedOf(aggregate, key, stored), (damaged) => damaged)
    this.#touched.set(stream, touched)
    return touched
  }

  #mark(): Mark {
    return {
      touched: [...this.#touched].map(([stream, touched]) => [stream, { ...touched }] as const),
      facts: this.#facts.length,
      leases: this.#leases.length
    }
  }

  #restore(mark: Mark): void {
    this.#touched.clear()
    for (const [stream, touched] of mark.touched) this.#touched.set(stream, touched)
    this.#facts.length = mark.facts
    this.#leases.length = mark.leases
  }
}

/** The document type of an aggregate. */
export type DocumentOf<A> =
  A extends Aggregate<infer Document, infer _F, infer _C, infer _R> ? Document : never

// --- internal ---

const isStoreError = Schema.is(StoreError)

/** What a unit has done before a piece of plain code began. */
interface Mark {
  readonly touched: ReadonlyArray<readonly [string, Touched]>
  readonly facts: number
  readonly leases: number
}

/** Thrown through plain code that asks for a document which has to be waited for. Never seen outside. */
class NotLoaded {
  constructor(
    readonly aggregate: AnyAggregate,
    readonly key: string
  ) {}
}

const touchedOf = (
  aggregate: AnyAggregate,
  key: string,
  { version, value }: StoredDocument
): Either.Either<Touched, StoreError> => {
  const touched = { aggregate, key, loadedVersion: version, version, document: undefined }
  return value === undefined
    ? Either.right(touched)
    : Either.map(parseDocument(streamOf(aggregate, key), value), (document) => ({ ...touched, document }))
}
