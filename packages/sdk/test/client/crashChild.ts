/**
 * The process that is killed: opens a client on a folder and dispatches one event whose step does not end.
 * Arguments: `<workspace>`.
 */
import { FlowClient } from "../../src/index.ts"

const [workspace = ""] = process.argv.slice(2)
await using client = await FlowClient.open({ mode: "local", cwd: workspace, state: { kind: "file" } })
await client.dispatchEvent({ id: "1", type: "demo.endless" })
