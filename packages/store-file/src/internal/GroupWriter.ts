/**
 * The one writer: commits that wait together share one write and one sync.
 *
 * 1. A commit is checked against the log and against the commits that go before it in its group. One that conflicts
 *    fails alone.
 * 2. Nothing is acknowledged, and nothing is visible, before the sync of its group has succeeded.
 * 3. After a write or a sync that failed, what is on the disk is unknown: nothing more is written until the store
 *    is opened again, which reads what is there.
 */
import type { Driver, DriverCommit } from "@patchmoi/core/store/Driver"
import { type LogRow, StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { LogFile } from "./LogFile.ts"
import { encodeLine } from "./lineFormat.ts"
import type { Replica } from "./Replica.ts"
import { storing, storingLater } from "./storing.ts"

/** Most bytes of facts in one commit. */
export const commitBytesMax = 64 * 1_048_576

/** Most commits that wait before committing waits too. */
const commitsWaitingMax = 4_096
/** Most commits that share a write. */
const groupCommitsMax = 1_024
/** A group is written when it has this many bytes, although more commits wait. */
const groupBytesMax = 8 * 1_048_576

type Acknowledgement = Deferred.Deferred<number, VersionConflict | StoreError>

interface Waiting {
  readonly commit: DriverCommit
  readonly acknowledgement: Acknowledgement
}

/** A commit that goes into the group, in its place. */
interface Placed extends Waiting {
  readonly rows: ReadonlyArray<LogRow>
  readonly offsets: ReadonlyArray<number>
  /** The byte after it in the segment. */
  readonly end: number
}

interface Group {
  readonly placed: ReadonlyArray<Placed>
  readonly refused: ReadonlyArray<readonly [Acknowledgement, VersionConflict | StoreError]>
  readonly lines: ReadonlyArray<Buffer>
  /** Those that did not fit. */
  readonly rest: ReadonlyArray<Waiting>
}

/** Starts the writer. Closing the scope writes what waits, then refuses more. */
export const makeGroupWriter = (
  log: LogFile,
  replica: Replica,
  /** What each group awaits before it is written. */
  before: Effect.Effect<void>
): Effect.Effect<Driver["commit"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.bounded<Waiting | "stop">(commitsWaitingMax)
    let closedBecause: string | undefined
    let stopping = false

    const writeGroup = (group: Group): Effect.Effect<void, StoreError> =>
      Effect.gen(function* () {
        if (group.lines.length > 0) {
          yield* storingLater(operation, () => log.append(Buffer.concat(group.lines)))
        }
        yield* storing(operation, () => publish(group, replica))
      })

    const write = (waiting: ReadonlyArray<Waiting>): Effect.Effect<void> =>
      Effect.gen(function* () {
        let rest = waiting
        while (rest.length > 0) {
          if (closedBecause !== undefined) return yield* closed(closedBecause)
          if (log.isFull) yield* storing(operation, () => openSegment(log, replica))
          const group = yield* storing(operation, () => formGroup(rest, replica, log.bytes))
          yield* writeGroup(group)
          rest = group.rest
        }
      }).pipe(
        Effect.catchAll((error) =>
          Effect.sync(() => {
            closedBecause ??= `${error.reason}. Open it again to go on with what is on the disk`
            for (const { acknowledgement } of waiting) refuse(acknowledgement, error)
          })
        ),
        Effect.uninterruptible
      )

    const writer = yield* Effect.gen(function* () {
      while (true) {
        const first = yield* Queue.take(queue)
        // Those that were acknowledged together ask again together: let all of them in before the group is closed.
        yield* Effect.zipRight(before, Effect.yieldNow())
        const taken = [first, ...(yield* Queue.takeUpTo(queue, groupCommitsMax - 1))]
        yield* write(taken.filter((item) => item !== "stop"))
        if (taken.includes("stop")) return
      }
    }).pipe(Effect.forkScoped)

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        stopping = true
        return Effect.zipRight(Queue.offer(queue, "stop"), Fiber.join(writer))
      })
    )

    return (commit) =>
      Effect.suspend(() => {
        const reason = closedBecause ?? (stopping ? "it was closed" : undefined)
        if (reason !== undefined) return Effect.fail(closed(reason))
        const acknowledgement: Acknowledgement = Deferred.unsafeMake(FiberId.none)
        return Effect.zipRight(
          Queue.offer(queue, { commit, acknowledgement }),
          Deferred.await(acknowledgement)
        )
      })
  })

// --- internal ---

const operation = "write to the log"

const closed = (reason: string): StoreError => new StoreError({ operation, reason })

/** Does nothing for a commit that has its answer. */
const refuse = (acknowledgement: Acknowledgement, error: VersionConflict | StoreError): void =>
  Deferred.unsafeDone(acknowledgement, Exit.fail(error))

/** Makes a durable group visible and answers everyone in it. */
const publish = ({ placed, refused }: Group, replica: Replica): void => {
  for (const { commit, rows, offsets, end } of placed) {
    if (rows.length > 0) replica.add(rows, offsets, end)
    for (const document of commit.documents) replica.tables.putDocument(document)
    replica.leases.putLeases(commit.leases)
  }
  for (const { acknowledgement, rows } of placed) {
    Deferred.unsafeDone(acknowledgement, Exit.succeed(rows.at(-1)?.position ?? replica.index.head))
  }
  // Those who conflict with this group read again, and must find it.
  for (const [acknowledgement, error] of refused) refuse(acknowledgement, error)
  replica.announce()
}

const openSegment = (log: LogFile, replica: Replica): void => {
  log.openSegment(replica.index.head + 1)
  replica.index.openSegment(replica.index.head + 1)
}

/** Places as many commits as fit after the byte where the segment ends. */
const formGroup = (waiting: ReadonlyArray<Waiting>, replica: Replica, segmentEnd: number): Group => {
  const versions = new Map<string, number>()
  const placed: Array<Placed> = []
  const refused: Array<readonly [Acknowledgement, VersionConflict | StoreError]> = []
  const lines: Array<Buffer> = []
  let head = replica.index.head
  let end = segmentEnd
  let taken = 0
  for (const item of waiting) {
    if (end - segmentEnd >= groupBytesMax) break
    taken += 1
    const conflict = conflictOf(
      item.commit,
      (stream) => versions.get(stream) ?? replica.tables.version(stream)
    )
    const rows = item.commit.facts.map((fact, index) => ({ ...fact, position: head + 1 + index }))
    const encoded = conflict === undefined ? encodeCommit(rows, replica.index.head) : []
    const bytes = encoded.reduce((sum, line) => sum + line.length, 0)
    const error = conflict ?? (bytes > commitBytesMax ? tooLarge(bytes) : undefined)
    if (error !== undefined) {
      refused.push([item.acknowledgement, error])
      continue
    }
    const offsets = encoded.map((line) => {
      lines.push(line)
      end += line.length
      return end - line.length
    })
    for (const { stream, version } of rows) versions.set(stream, version)
    head += rows.length
    placed.push({ ...item, rows, offsets, end })
  }
  return { placed, refused, lines, rest: waiting.slice(taken) }
}

/** The lines of a commit; everything up to `after` is durable. */
const encodeCommit = (rows: ReadonlyArray<LogRow>, after: number): ReadonlyArray<Buffer> =>
  rows.map((row, index) =>
    encodeLine(row, row.position, index === rows.length - 1 ? { facts: rows.length, after } : undefined)
  )

const tooLarge = (bytes: number): StoreError =>
  closed(`a commit of ${bytes} bytes is larger than ${commitBytesMax}; nothing of it was written`)

/** The first stream that is not where the commit expects it, or that a fact of it does not go on from. */
const conflictOf = (
  { expected, facts }: DriverCommit,
  versionOf: (stream: string) => number
): VersionConflict | undefined => {
  for (const { stream, version } of expected) {
    const actual = versionOf(stream)
    if (actual !== version) return new VersionConflict({ stream, expected: version, actual })
  }
  const next = new Map<string, number>()
  for (const { stream, version } of facts) {
    const actual = next.get(stream) ?? versionOf(stream)
    if (version !== actual + 1) return new VersionConflict({ stream, expected: version - 1, actual })
    next.set(stream, version)
  }
  return undefined
}
