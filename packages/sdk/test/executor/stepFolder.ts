/** A temporary folder for scripts, removed after the last test of the file. */
import { afterAll } from "bun:test"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Makes the folder now; `write` puts a script into it under a fresh name. */
export const makeStepFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "patchmoi-steps-"))
  let count = 0
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return {
    folder,
    write: async (text: string, name = "step.ts"): Promise<{ script: string; cwd: string }> => {
      count += 1
      const script = join(folder, `${count}-${name}`)
      await Bun.write(script, text)
      return { script, cwd: folder }
    }
  }
}
