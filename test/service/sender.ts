/**
 * A client that does not give up, as a process of its own: sends events with its server coming and going, each again until it
 * is acknowledged. Takes {@link Sending} as JSON on standard input; prints the id of each event that was acknowledged, and
 * with it whether the answer was that it is known already.
 */
import { createHttpFlowClient, InvalidEvent } from "../../packages/sdk/src/http.ts"

export interface Sending {
  readonly url: string
  readonly ids: ReadonlyArray<string>
  readonly type: string
  readonly payload: Readonly<Record<string, unknown>>
  /** How many are under way at once. */
  readonly callers: number
  /** Between two events of one caller, in milliseconds. */
  readonly pauseMillis: number
}

/** Between two tries of an event whose own retries were used up, in milliseconds. */
const againMillis = 50

const { url, ids, type, payload, callers, pauseMillis }: Sending = await Bun.stdin.json()
await using client = createHttpFlowClient({ baseUrl: url, timeoutMillis: 5_000 })
let next = 0

const send = async (id: string): Promise<void> => {
  while (true) {
    try {
      const { status } = await client.dispatchEvent({ id, type, payload }, { wait: false })
      console.log(`${id} ${status}`)
      return
    } catch (error) {
      if (error instanceof InvalidEvent) throw error
      await Bun.sleep(againMillis)
    }
  }
}

const work = async (): Promise<void> => {
  for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
    await send(id)
    await Bun.sleep(pauseMillis)
  }
}
await Promise.all(Array.from({ length: callers }, work))
