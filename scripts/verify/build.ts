/** Builds what is published, so that the pack gate after it sees the packages as they would ship. */
import { buildWorkspace } from "../build/workspace.ts"
import type { Gate } from "./gate.ts"

export const buildGate: Gate = {
  name: "build",
  run: async ({ root }) => {
    const built = await buildWorkspace(root)
    const doors = built.reduce((sum, { doors }) => sum + doors, 0)
    return { passed: true, note: `${built.length} packages, ${doors} doors`, output: "" }
  }
}
