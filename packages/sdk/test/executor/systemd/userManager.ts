/** A user manager of systemd for one command, in namespaces of its own. */
import { join } from "node:path"

/** How a command ended under the manager, with everything that it printed. */
export interface ManagedRun {
  readonly code: number
  readonly output: string
}

/** What the script ends with where no manager can be made. */
const noManagerCode = 99

/** Runs a command under a manager. */
export const underUserManager = async (argv: ReadonlyArray<string>): Promise<ManagedRun> => {
  const child = Bun.spawn([join(import.meta.dir, "userManager.sh"), ...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { code, output: `${stdout}${stderr}` }
}

/** Why there can be no manager here; undefined where there can. */
export const whyNoUserManager = async (): Promise<string | undefined> => {
  const { code, output } = await underUserManager(["systemctl", "--user", "show-environment"])
  if (code === 0) return undefined
  return code === noManagerCode ? output.trim() : `it does not answer: ${output.trim()}`
}
