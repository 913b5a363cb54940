/** `bun src/main.ts --data-dir data --port 8080`: serves the shop until it is stopped. */
import { dirname, resolve } from "node:path"
import { parseArgs } from "node:util"
import { serveShop } from "./shop.ts"

const { values } = parseArgs({
  options: { "data-dir": { type: "string", default: "data" }, port: { type: "string", default: "8080" } }
})

if (!/^\d{1,5}$/.test(values.port)) {
  console.error("--port must be a number")
  process.exit(2)
}

const shop = await serveShop({
  workspace: dirname(import.meta.dir),
  dataDir: resolve(values["data-dir"]),
  port: Number(values.port)
})
console.log(`listening on ${shop.url}`)

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void shop.stop().then(() => process.exit(0)))
}
