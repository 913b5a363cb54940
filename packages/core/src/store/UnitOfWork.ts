/**
 * One unit of work: what it loaded, what it appended, and the commit of both.
 * Facts fold into the documents at once, so that a later load in the same unit sees them.
 */
import * as Effect from "effect/Effect"
import { type Aggregate, type AnyAggregate, documentWrite, streamOf } from "./Aggregate.ts"
import type { Driver, Lease, LeaseWrite } from "./Driver.ts"
import { type EncodedFact, type InvalidFact, StoreError, type VersionConflict } from "./Log.ts"

/** What a unit of work may do. */
export interface Transaction {
  /** When the unit began, in milliseconds since the Unix epoch: the time of its facts. */
  readonly now: number
  /** The document of one thing, with the facts of this unit folded in; undefined when it does not exist. */
  readonly load: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string
  ) => Effect.Effect<Document | undefined, StoreError>
  /**
   * Decides a command and appends the facts that follow from it; gives them with the document after them.
   * A rejection fails the effect and appends nothing.
   */
  readonly execute: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
    aggregate: Aggregate<Document, Fact, Command, Rejection>,
    key: string,
    command: Command
  ) => Effect.Effect<Executed<Document, Fact>, Rejection | StoreError>
  /** Takes a lease, or gives it back (`undefined`), in the commit of the unit. Nothing by itself: a unit without facts commits nothing. */
  readonly putLease: (attemptId: string, lease: Lease | undefined) => void
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
export class UnitOfWork implements Transaction {
  readonly #touched = new Map<string, Touched>()
  readonly #facts: Array<EncodedFact> = []
  readonly #leases: Array<LeaseWrite> = []

  constructor(
    readonly driver: Driver,
    readonly now: number
  ) {}

  readonly load: Transaction["load"] = (aggregate, key) =>
    Effect.map(
      this.#touch(aggregate, key),
      ({ document }) => document as DocumentOf<typeof aggregate> | undefined
    )

  readonly execute: Transaction["execute"] = (aggregate, key, command) =>
    Effect.gen(this, function* () {
      const touched = yield* this.#touch(aggregate, key)
      let document = touched.document as DocumentOf<typeof aggregate> | undefined
      const facts = yield* aggregate.decide(command, document, key)
      for (const fact of facts) {
        const data = yield* Effect.mapError(aggregate.encodeFact(fact), refused)
        document = aggregate.evolve(document, fact, { key, at: this.now })
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
      return { facts, document }
    })

  readonly putLease: Transaction["putLease"] = (attemptId, lease) => {
    this.#leases.push({ attemptId, lease })
  }

  /** Writes what the unit appended; nothing when it appended nothing. */
  readonly commit: Effect.Effect<void, VersionConflict | StoreError> = Effect.suspend(() => {
    if (this.#facts.length === 0) return Effect.void
    const touched = [...this.#touched.entries()]
    return Effect.asVoid(
      this.driver.commit({
        expected: touched.map(([stream, { loadedVersion }]) => ({ stream, version: loadedVersion })),
        facts: this.#facts,
        leases: this.#leases,
        documents: touched
          .filter(([, { version, loadedVersion }]) => version > loadedVersion)
          .map(([, { aggregate, key, version, document }]) =>
            documentWrite(aggregate, key, version, document)
          )
      })
    )
  })

  #touch(aggregate: AnyAggregate, key: string): Effect.Effect<Touched, StoreError> {
    const stream = streamOf(aggregate, key)
    const known = this.#touched.get(stream)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.map(this.driver.load(aggregate.name, key, stream), ({ version, value }) => {
      const document: unknown = value === undefined ? undefined : JSON.parse(value)
      const touched: Touched = { aggregate, key, loadedVersion: version, version, document }
      this.#touched.set(stream, touched)
      return touched
    })
  }
}

/** The document type of an aggregate. */
export type DocumentOf<A> =
  A extends Aggregate<infer Document, infer _F, infer _C, infer _R> ? Document : never

// --- internal ---

const refused = (error: InvalidFact): StoreError =>
  new StoreError({ operation: "encode a fact", reason: error.message })
