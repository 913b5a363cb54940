/** What the crash sweep writes, and the readable files that it looks at. */
import type { LogRow } from "@patchmoi/core/store/Log"
import type { ReadableProjection } from "../../src/ReadableProjection.ts"

/** Writers that commit at the same time. */
export const writers = 5
/** Commits of each in one run. */
export const commitsEach = 20
/** Small, so that a run begins several segments. */
export const segmentBytesMax = 1_500

/** Small, so that a run takes several snapshots, and merges their files. */
export const snapshotFacts = 25

/** The lines of a fact: none, one or two. */
export const linesOf = ({ position, stream, version }: LogRow): ReadonlyArray<string> =>
  version % 5 === 4
    ? []
    : Array.from({ length: version % 3 === 0 ? 2 : 1 }, (_, part) =>
        JSON.stringify({ position, stream, version, part })
      )

/** The file that is replaced: the version of each stream. */
export const stateOf = (rows: Iterable<LogRow>): string =>
  JSON.stringify(Object.fromEntries(Array.from(rows, ({ stream, version }) => [stream, version])))

export const projections: ReadonlyArray<ReadableProjection> = [
  { kind: "append", fileName: "events.jsonl", begin: () => linesOf },
  {
    kind: "replace",
    fileName: "state.json",
    begin: () => {
      const rows: Array<LogRow> = []
      return {
        add: (row) => void rows.push(row),
        content: () => (rows.length === 0 ? undefined : stateOf(rows))
      }
    }
  }
]
