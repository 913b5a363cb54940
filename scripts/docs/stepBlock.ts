/** TypeScript blocks that are steps: each is run as one, for an event that the reference of steps uses. */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Block } from "./pages.ts"

/** The command that runs the block as a step of a flow; undefined for a block that is no step. */
export const stepCommand = async (block: Block, folder: string): Promise<string | undefined> => {
  if (!/\b(?:defineBunFlow|readFlowContext)\b|\bBun\.stdin\b/.test(block.text)) return undefined
  const workspace = join(folder, `step-${block.line}`)
  const flow = join(workspace, "flows", "example")
  await mkdir(flow, { recursive: true })
  await writeFile(join(flow, "step.ts"), block.text)
  await writeFile(join(flow, "flow.toml"), manifest)
  await writeFile(join(workspace, "event.json"), JSON.stringify(event))
  return `patchmoi flow run example step --cwd "${workspace}" --event event.json`
}

// --- internal ---

const manifest = `name = "example"
version = 1

[[steps]]
name = "step"
runner = "bun"
script = "step.ts"
`

const event = {
  id: "example-1",
  type: "upstream.release",
  payload: { repo: "acme/tool", tag: "v2.0.0" }
}
