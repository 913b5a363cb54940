/** Writes everything that a record knows as lines that any store takes (`@patchmoi/core/store/TransferFormat`). */
import * as fs from "node:fs"
import { basename, dirname, join } from "node:path"
import { aggregates } from "@patchmoi/core/Aggregates"
import { Runs } from "@patchmoi/core/run/Runs"
import { splitStream } from "@patchmoi/core/store/Aggregate"
import { type LogRow, StoreError } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import * as Transfer from "@patchmoi/core/store/Transfer"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** What an export holds: its last line. */
export interface ExportSummary {
  readonly facts: number
  readonly outputs: number
  /** The digest of all documents; null when a writer went on meanwhile. */
  readonly documents: string | null
  /** Of the lines before the last one. */
  readonly sha256: string
}

/** Gives the lines of the open record to `write`, many at a time, each with its newline. */
export const exportRecord = (
  write: (text: string) => void
): Effect.Effect<ExportSummary, StoreError, Store.Store> =>
  Effect.gen(function* () {
    const { driver } = yield* Store.Store
    let last = ""
    yield* Stream.runForEachChunk(Transfer.exportLog(driver, { aggregates, attemptOf }), (lines) =>
      writing(() => {
        let text = ""
        for (const line of lines) {
          text += `${line}\n`
          last = line
        }
        write(text)
      })
    )
    const { facts, outputs, documents, sha256 }: ExportSummary = JSON.parse(last)
    return { facts, outputs, documents, sha256 }
  })

/** Writes the export into a file that appears when it is whole and on the disk. One that is there is replaced. */
export const exportRecordTo = (path: string): Effect.Effect<ExportSummary, StoreError, Store.Store> =>
  Effect.gen(function* () {
    const partial = join(dirname(path), `.${basename(path)}.partial`)
    const file = yield* Effect.acquireRelease(
      writing(() => fs.openSync(partial, "w", privateMode)),
      (opened) =>
        Effect.sync(() => {
          fs.closeSync(opened)
          fs.rmSync(partial, { force: true })
        })
    )
    const summary = yield* exportRecord((text) => fs.writeFileSync(file, text))
    yield* writing(() => {
      fs.fsyncSync(file)
      fs.renameSync(partial, path)
    })
    return summary
  }).pipe(Effect.scoped)

// --- internal ---

/** An export shows all payloads: only its owner reads it. */
const privateMode = 0o600

/** The attempt that begins with this fact. */
const attemptOf = ({ stream, type, data }: LogRow): string | undefined => {
  if (splitStream(stream).name !== Runs.name || type !== "AttemptStarted") return undefined
  const fact = Runs.decodeFact(type, data)
  return fact._tag === "AttemptStarted" ? fact.attemptId : undefined
}

const writing = <A>(write: () => A): Effect.Effect<A, StoreError> =>
  Effect.try({
    try: write,
    catch: (error) =>
      new StoreError({
        operation: "write the export",
        reason: error instanceof Error ? error.message : String(error)
      })
  })
