/** Puts load on a server from another process, so that what sends does not share a thread with what is measured. */
import { join } from "node:path"

export interface Load {
  /** Such as `http://127.0.0.1:7345`. */
  readonly url: string
  readonly path: string
  readonly connections: number
  /** One event for each. */
  readonly ids: ReadonlyArray<string>
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Signs the bodies. Default: nothing is signed. */
  readonly secret?: string
}

export interface LoadResult {
  /** From the first request to the last answer. */
  readonly seconds: number
  readonly perSecond: number
  /** Status → how often. */
  readonly statuses: Readonly<Record<string, number>>
  readonly p50Millis: number
  readonly p99Millis: number
}

/** Sends every event once. Rejects when an answer is not 202. */
export const putLoad = async (load: Load): Promise<LoadResult> => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "loadGenerator.ts")], {
    stdin: new Blob([JSON.stringify(load)]),
    stdout: "pipe",
    stderr: "pipe"
  })
  const [printed, complaint, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited
  ])
  if (code !== 0) throw new Error(`The load generator ended with ${code}:\n${complaint}`)
  const result: LoadResult = JSON.parse(printed)
  if (result.statuses[202] !== load.ids.length) {
    throw new Error(`Expected ${load.ids.length} answers 202, got ${JSON.stringify(result.statuses)}`)
  }
  return result
}
