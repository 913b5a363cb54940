/** `node main.js --url http://127.0.0.1:7345 --name Ada`: sends an event, waits for its runs, and shows what happened. */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { createHttpFlowClient, FlowError } from "@patchmoi/sdk/http"

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:7345" },
    name: { type: "string", default: "Ada" },
    "secret-file": { type: "string" }
  }
})
const secretFile = values["secret-file"]
const hmacSecret = secretFile === undefined ? undefined : readFileSync(secretFile, "utf8").trim()

const greet = async (): Promise<void> => {
  const flows = createHttpFlowClient({
    baseUrl: values.url,
    ...(hmacSecret === undefined ? {} : { hmacSecret })
  })
  try {
    const event = { id: `guest:${values.name}`, type: "guest.arrived", payload: { name: values.name } }
    const { status, runs } = await flows.dispatchEvent(event)
    if (runs.length === 0) {
      console.log(`${status}: no flow of the server runs for ${event.type}`)
      return
    }
    for (const run of runs)
      console.log(`${status}: ${run.flowName} ${run.status}, ${run.resultPayload?.message}`)

    // Everything since the beginning, past changes first; a lost connection goes on where it was.
    const pending = new Set<string>(runs.map(({ id }) => id))
    for await (const { subject, id, type } of flows.watch({ after: 0 })) {
      if (subject !== "run" || !pending.has(id)) continue
      console.log(type)
      if (type === "RunEnded") pending.delete(id)
      if (pending.size === 0) break
    }
  } finally {
    await flows.close()
  }
}

// No top-level await, so that it can be bundled as CommonJS too.
greet().catch((error: unknown) => {
  console.error(error instanceof FlowError ? `${error._tag}: ${error.message}` : error)
  process.exitCode = 1
})
