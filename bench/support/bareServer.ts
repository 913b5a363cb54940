/**
 * What a hand-written intake costs, as a process of its own. Arguments: `noop`, or `insert <file>`. Prints its port.
 *
 * `noop` answers 202. `insert` verifies the HMAC of the body, reads it as JSON and inserts one row under the event's id into
 * SQLite (WAL, `synchronous=FULL`); requests that wait together share a transaction, and none is answered before it is durable.
 */
import { Database } from "bun:sqlite"
import { createHmac, timingSafeEqual } from "node:crypto"
import { benchSecret } from "./workspace.ts"

type Handler = (request: Request) => Response | Promise<Response>

const noop: Handler = () => Response.json({ status: "accepted" }, { status: 202 })

/** Group commit: what came in since the last transaction is written in the next one. */
const makeInsert = (filename: string): Handler => {
  const database = new Database(filename, { create: true })
  database.run("PRAGMA journal_mode = WAL")
  database.run("PRAGMA synchronous = FULL")
  database.run("CREATE TABLE events (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
  const insert = database.query("INSERT OR IGNORE INTO events VALUES (?, ?)")
  let waiting: Array<{ readonly id: string; readonly body: string; readonly done: () => void }> = []
  const flush = (): void => {
    const group = waiting
    waiting = []
    database.transaction(() => {
      for (const { id, body } of group) insert.run(id, body)
    })()
    for (const { done } of group) done()
  }
  return async (request) => {
    const body = Buffer.from(await request.arrayBuffer())
    const signature = Buffer.from(
      request.headers.get("x-flow-signature-256")?.slice("sha256=".length) ?? "",
      "hex"
    )
    const expected = createHmac("sha256", benchSecret).update(body).digest()
    if (signature.byteLength !== expected.byteLength || !timingSafeEqual(signature, expected)) {
      return Response.json({ error: "signature" }, { status: 401 })
    }
    const text = body.toString()
    const { id } = JSON.parse(text)
    await new Promise<void>((done) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ id, body: text, done })
    })
    return Response.json({ status: "accepted", eventId: id }, { status: 202 })
  }
}

const [kind, filename] = process.argv.slice(2)
const fetch = kind === "insert" && filename !== undefined ? makeInsert(filename) : noop
console.log(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch }).port)
