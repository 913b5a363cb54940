/**
 * The log and the documents: how a commit is checked and written. Plain and synchronous; the caller holds the write
 * lock, so that what is checked is still so when it is written.
 *
 * 1. Everything is checked before anything is written: a conflict leaves nothing behind.
 * 2. `UNIQUE (stream, version)` stands behind the check; it can only fail through a bug, and then the group runs one by one.
 */
import { splitStream, streamOf } from "@patchmoi/core/store/Aggregate"
import type {
  DocumentWrite,
  DriverCommit,
  DriverForget,
  RestoreCommit,
  RestoredStream
} from "@patchmoi/core/store/Driver"
import { type EncodedFact, VersionConflict } from "@patchmoi/core/store/Log"
import * as Either from "effect/Either"
import type { Connection } from "./Connection.ts"
import { Entries, type Sorts } from "./Entries.ts"
import type { Leases } from "./Leases.ts"
import type { Outputs } from "./Outputs.ts"
import { toText } from "./text.ts"

/** A stream as the current transaction has left it. */
interface StreamState {
  /** The position of its first fact; 0 while there is none. */
  readonly id: number
  readonly version: number
  readonly sorts: Sorts
}

const noSorts: Sorts = {}
const noStream: StreamState = { id: 0, version: 0, sorts: noSorts }

export class CommitTables {
  readonly entries: Entries
  readonly #streams = new Map<string, StreamState>()
  #head = 0
  readonly #selectHead
  readonly #selectStream
  readonly #insertStream
  readonly #updateStream
  readonly #updateDocument
  readonly #insertFact
  readonly #deleteFacts
  readonly #deleteStream

  constructor(
    connection: Connection,
    readonly leases: Leases,
    readonly outputs: Outputs
  ) {
    this.entries = new Entries(connection)
    this.#selectHead = connection.prepare("SELECT coalesce(max(position), 0) FROM facts")
    this.#selectStream = connection.prepare("SELECT id, version, sorts FROM streams WHERE name = ?")
    this.#insertStream = connection.prepare(
      "INSERT INTO streams (id, name, version, document, sorts) VALUES (?, ?, ?, ?, ?)"
    )
    this.#updateStream = connection.prepare("UPDATE streams SET version = ? WHERE id = ?")
    this.#updateDocument = connection.prepare(
      "UPDATE streams SET version = ?, document = ?, sorts = ? WHERE id = ?"
    )
    this.#insertFact = connection.prepare(
      "INSERT INTO facts (position, stream, version, at, type, data) VALUES (?, ?, ?, ?, ?, ?)"
    )
    this.#deleteFacts = connection.prepare("DELETE FROM facts WHERE stream = ?")
    this.#deleteStream = connection.prepare("DELETE FROM streams WHERE id = ?")
  }

  /** The position of the last fact. A fact at the head is never forgotten but by a commit that writes another one. */
  head(): number {
    return Number(this.#selectHead.values()[0]?.[0] ?? 0)
  }

  /** Call it first in a transaction: others may have written since the last one. */
  begin(): void {
    this.#streams.clear()
    this.#head = this.head()
  }

  /** Call it when a transaction was rolled back. */
  rolledBack(): void {
    this.#streams.clear()
    this.entries.forgetNames()
  }

  /** Writes the commit and gives the position of the last fact; a conflict writes nothing. */
  apply(commit: DriverCommit): Either.Either<number, VersionConflict> {
    return this.#apply(commit)
  }

  /** The same, with facts that keep their positions. */
  restore(commit: RestoreCommit): Either.Either<number, VersionConflict> {
    let last = this.#head
    for (const { position } of commit.facts) {
      if (position <= last) throw new Error(`position ${position} comes after position ${last}`)
      last = position
    }
    return this.#apply(
      commit,
      commit.facts.map(({ position }) => position)
    )
  }

  /** Makes streams whose first facts are gone. */
  restoreStreams(streams: ReadonlyArray<RestoredStream>): void {
    for (const { stream, created, version } of streams) {
      this.#insertStream.run(created, toText(stream), version, null, JSON.stringify(noSorts))
      this.#streams.set(stream, { id: created, version, sorts: noSorts })
    }
  }

  /** `positions` are those of the facts; without them they go on from the head. */
  #apply(commit: DriverCommit, positions?: ReadonlyArray<number>): Either.Either<number, VersionConflict> {
    const { expected, facts, documents, leases, forget } = commit
    const conflict = this.#conflictOf(expected, facts)
    if (conflict !== undefined) return Either.left(conflict)
    if (forget !== undefined) this.#forget(forget)
    // The row of a stream has to be there before its facts: its last version and its document are known already.
    const writes = new Map(documents.map((document) => [document.stream, document]))
    const versions = new Map<string, number>()
    for (const { stream, version } of facts) versions.set(stream, version)
    let written = 0
    for (const fact of facts) {
      this.#head = positions?.[written] ?? this.#head + 1
      written += 1
      const version = versions.get(fact.stream)
      if (version !== undefined) {
        this.#writeStream(fact.stream, version, writes.get(fact.stream))
        versions.delete(fact.stream)
        writes.delete(fact.stream)
      }
      const { id } = this.#stateOf(fact.stream)
      this.#insertFact.run(this.#head, id, fact.version, fact.at, toText(fact.type), fact.data)
    }
    for (const document of writes.values()) {
      this.#writeStream(document.stream, this.#stateOf(document.stream).version, document)
    }
    for (const { attemptId, lease } of leases ?? []) {
      if (lease === undefined) this.leases.remove(attemptId)
      else this.leases.put(attemptId, lease)
    }
    return Either.right(this.#head)
  }

  #forget({ streams, histories, attempts }: DriverForget): void {
    for (const stream of [...streams, ...histories]) this.#deleteFacts.run(this.#stateOf(stream).id)
    for (const stream of streams) {
      const { id, sorts } = this.#stateOf(stream)
      this.entries.move(splitStream(stream).name, id, sorts, noSorts)
      this.#deleteStream.run(id)
      this.#streams.set(stream, noStream)
    }
    for (const attemptId of attempts) {
      this.outputs.remove(attemptId)
      this.leases.remove(attemptId)
    }
  }

  /** The first stream that is not where the commit expects it, or that a fact of it does not go on from. */
  #conflictOf(
    expected: DriverCommit["expected"],
    facts: ReadonlyArray<EncodedFact>
  ): VersionConflict | undefined {
    for (const { stream, version } of expected) {
      const actual = this.#stateOf(stream).version
      if (actual !== version) return new VersionConflict({ stream, expected: version, actual })
    }
    const next = new Map<string, number>()
    for (const { stream, version } of facts) {
      const actual = next.get(stream) ?? this.#stateOf(stream).version
      if (version !== actual + 1) return new VersionConflict({ stream, expected: version - 1, actual })
      next.set(stream, version)
    }
    return undefined
  }

  #stateOf(name: string): StreamState {
    const known = this.#streams.get(name)
    if (known !== undefined) return known
    const row = this.#selectStream.values(toText(name))[0]
    const state =
      row === undefined
        ? noStream
        : { id: Number(row[0]), version: Number(row[1]), sorts: JSON.parse(String(row[2])) as Sorts }
    this.#streams.set(name, state)
    return state
  }

  /** Brings the row of a stream to this version, and to this document when there is one. A new row is at the head. */
  #writeStream(name: string, version: number, document: DocumentWrite | undefined): void {
    const before = this.#stateOf(name)
    const id = before.id === 0 ? this.#head : before.id
    const sorts = document === undefined || document.value === undefined ? noSorts : document.indexes
    if (before.id === 0) {
      if (version === 0) throw new Error(`the document of ${name} comes before its first fact`)
      this.#insertStream.run(id, toText(name), version, document?.value ?? null, JSON.stringify(sorts))
    } else if (document === undefined) {
      this.#updateStream.run(version, id)
    } else {
      this.#updateDocument.run(version, document.value ?? null, JSON.stringify(sorts), id)
    }
    if (document !== undefined) {
      if (name !== streamOf({ name: document.view }, document.key)) {
        throw new Error(`the document ${document.key} of ${document.view} belongs to the stream ${name}`)
      }
      this.entries.move(document.view, id, before.sorts, sorts)
    }
    this.#streams.set(name, { id, version, sorts: document === undefined ? before.sorts : sorts })
  }
}
