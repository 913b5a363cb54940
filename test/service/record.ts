/** What a server says that it knows, read whole through its lists, and what a test finds of its processes. */
import { readdirSync, readFileSync } from "node:fs"

/** What of a run counts here; the server gives more. */
export interface ToldRun {
  readonly id: string
  readonly eventId: string
  readonly status: string
  readonly attempts: ReadonlyArray<{
    readonly status: string
    readonly startedAt: string
    readonly completedAt?: string
  }>
}

/** Every run of the server, page by page. */
export const readRuns = async (url: string): Promise<ReadonlyArray<ToldRun>> =>
  (await readPages(url, "runs")).flatMap(({ runs = [] }) => runs)

/** The ids of all events of the server. */
export const readEventIds = async (url: string): Promise<ReadonlyArray<string>> =>
  (await readPages(url, "events")).flatMap(({ events = [] }) => events.map(({ id }) => id))

/** Whether no run waits or is under way. */
export const isIdle = async (url: string): Promise<boolean> => {
  for (const status of ["queued", "running"]) {
    const { runs } = await readPage(url, `runs?status=${status}&limit=1`)
    if (runs?.length !== 0) return false
  }
  return true
}

/** The command lines of the processes that name a folder, other than zombies. */
export const processesNaming = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
        return line.includes(folder) ? [`${pid} ${line}`] : []
      } catch {
        // It ended between the two looks.
        return []
      }
    })

// --- internal ---

interface ToldPage {
  readonly runs?: ReadonlyArray<ToldRun>
  readonly events?: ReadonlyArray<{ readonly id: string }>
  readonly cursor?: string
}

const readPage = async (url: string, target: string): Promise<ToldPage> => {
  const answer = await fetch(`${url}/${target}`)
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`GET /${target} was answered ${answer.status}: ${text}`)
  return JSON.parse(text)
}

const readPages = async (url: string, noun: "runs" | "events"): Promise<ReadonlyArray<ToldPage>> => {
  const pages: Array<ToldPage> = []
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ limit: "500", ...(cursor === undefined ? {} : { cursor }) })
    const page = await readPage(url, `${noun}?${query}`)
    pages.push(page)
    cursor = page.cursor
  } while (cursor !== undefined)
  return pages
}
