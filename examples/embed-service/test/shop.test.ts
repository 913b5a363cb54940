/** The shop as a process of its own, by its own routes. */
import { afterAll, beforeAll, expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

let dataDir = ""
let url = ""
let shop: Bun.Subprocess<"ignore", "pipe", "inherit"> | undefined

const start = async (): Promise<void> => {
  shop = Bun.spawn(
    [process.execPath, join(import.meta.dir, "../src/main.ts"), "--data-dir", dataDir, "--port", "0"],
    { stdin: "ignore", stdout: "pipe", stderr: "inherit" }
  )
  const reader = shop.stdout.getReader()
  const decoder = new TextDecoder()
  let text = ""
  while (!text.includes("\n")) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`the shop ended before it listened: ${text}`)
    text += decoder.decode(value)
  }
  url = /listening on (\S+)/.exec(text)?.[1] ?? ""
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "patchmoi-shop-"))
  await start()
})
afterAll(async () => {
  shop?.kill("SIGKILL")
  await shop?.exited
  await rm(dataDir, { recursive: true, force: true })
})

const send = async (method: string, path: string, body?: unknown) => {
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(new URL(path, url), { method, ...init })
  const text = await response.text()
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) }
}

/** Asks until the order is in this state. */
const awaitOrder = async (id: string, status: string) => {
  for (let tries = 0; tries < 500; tries++) {
    const { body } = await send("GET", `orders/${id}`)
    if (body.status === status) return body
    await Bun.sleep(20)
  }
  throw new Error(`order ${id} is not ${status}`)
}

const book = { customer: "Ada", item: "a book", price: 20 }

test("an order is kept at once, and shipped", async () => {
  expect((await send("PUT", "orders/1", book)).status).toBe(202)
  expect(await awaitOrder("1", "completed")).toEqual({
    status: "completed",
    message: "a book is on its way to Ada"
  })
})

test("an order that is sent again is not shipped again", async () => {
  expect(await send("PUT", "orders/1", { ...book, item: "another book" })).toEqual({
    status: 202,
    body: { status: "completed", message: "a book is on its way to Ada" }
  })
})

test("what is no order is refused", async () => {
  expect((await send("PUT", "orders/2", { customer: "Ada" })).status).toBe(422)
  expect((await send("GET", "orders/3")).status).toBe(404)
})

test("an expensive order waits for a person", async () => {
  await send("PUT", "orders/4", { ...book, item: "a piano", price: 9_000 })
  expect(await awaitOrder("4", "blocked")).toMatchObject({ question: "Ship a piano for 9000 to Ada?" })
  expect((await send("POST", "orders/4/approval", { approved: true, by: "Grace" })).status).toBe(204)
  expect(await awaitOrder("4", "completed")).toMatchObject({ message: "a piano is on its way to Ada" })
})

test("a stop is clean, and the next process knows what the last one did", async () => {
  shop?.kill("SIGTERM")
  expect(await shop?.exited).toBe(0)
  await start()
  expect((await send("GET", "orders/1")).body.status).toBe("completed")
})
