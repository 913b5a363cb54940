/**
 * The load generator, a process of its own: posts events over so many keep-alive connections and prints what came of it.
 * Takes a {@link Load} as JSON on standard input; prints a {@link LoadResult}. All requests are made and signed before the
 * clock starts. Run by `load.ts`.
 */
import { createHmac } from "node:crypto"
import { quantile } from "../support.ts"
import { connect, postBytes } from "./connection.ts"
import type { Load, LoadResult } from "./load.ts"

const { url, path, connections, ids, type, payload, secret }: Load = await Bun.stdin.json()
const target = new URL(url)
const requests = ids.map((id) => {
  const body = JSON.stringify({ id, type, receivedAt: "2026-01-01T00:00:00Z", payload })
  const signature = secret === undefined ? undefined : createHmac("sha256", secret).update(body).digest("hex")
  return postBytes(
    target,
    path,
    body,
    signature === undefined ? {} : { "x-flow-signature-256": `sha256=${signature}` }
  )
})
const opened = await Promise.all(Array.from({ length: connections }, () => connect(target)))
const statuses: Record<string, number> = {}
const millis: Array<number> = []
let next = 0
const startedAt = performance.now()
await Promise.all(
  opened.map(async (connection) => {
    for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
      const sentAt = performance.now()
      const status = await connection.send(request)
      millis.push(performance.now() - sentAt)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  })
)
const seconds = (performance.now() - startedAt) / 1_000
for (const connection of opened) connection.close()
const result: LoadResult = {
  seconds,
  perSecond: requests.length / seconds,
  statuses,
  p50Millis: quantile(millis, 0.5),
  p99Millis: quantile(millis, 0.99)
}
console.log(JSON.stringify(result))
