/** The parts of a driver that only read: the same for whoever writes and whoever does not. */
import type { Driver } from "@patchmoi/core/store/Driver"
import type { Leases } from "./Leases.ts"
import type { Outputs } from "./Outputs.ts"
import type { Reads } from "./Reads.ts"
import { storing } from "./waiting.ts"

export interface DriverReads
  extends Pick<
    Driver,
    "kind" | "load" | "loadNow" | "list" | "count" | "readAfter" | "readStream" | "beginning" | "head"
  > {
  readonly outputs: Pick<Driver["outputs"], "read">
  readonly leases: Pick<Driver["leases"], "get">
}

export const driverReads = (reads: Reads, outputs: Outputs, leases: Leases): DriverReads => ({
  kind: "sqlite",
  load: (_view, key, stream) => storing("read a document", () => reads.load(key, stream)),
  loadNow: (_view, key, stream) => {
    try {
      return reads.load(key, stream)
    } catch {
      // `load` meets the same again: it waits for a lock, and says what else is wrong.
      return undefined
    }
  },
  list: (query) => storing("list documents", () => reads.list(query)),
  count: (query, max) => storing("count documents", () => reads.entries.count(query, max)),
  readAfter: (position, limit) => storing("read the log", () => reads.readAfter(position, limit)),
  readStream: (stream, afterVersion, limit) =>
    storing("read the log", () => reads.readStream(stream, afterVersion, limit)),
  beginning: (stream) => storing("read the log", () => reads.beginning(stream)),
  head: storing("read the log", () => reads.head()),
  outputs: {
    read: (attemptId, fromSequence, limit) =>
      storing("read output", () => outputs.read(attemptId, fromSequence, limit))
  },
  leases: { get: (attemptId) => storing("read a lease", () => leases.get(attemptId)) }
})
