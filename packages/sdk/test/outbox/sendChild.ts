/** Polls a sources file and sends what is queued, until it is killed. */
import { FlowClient } from "../../src/index.ts"

const { SOURCES_FILE = "", DATA_DIR = "", WORKSPACE = "" } = process.env
const client = await FlowClient.open({
  mode: "local",
  cwd: WORKSPACE,
  state: { kind: "sqlite", dataDir: DATA_DIR }
})
process.stdout.write(".")
while (true) {
  await client.pollSources({ sourcesFile: SOURCES_FILE, wait: false })
  await Bun.sleep(20)
}
