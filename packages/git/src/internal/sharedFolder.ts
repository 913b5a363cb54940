/**
 * Folders inside a repository that several people write to (`core.sharedRepository`). What git makes there is open to the
 * group whatever the umask says, and so must be what we make: in an object folder of ours nobody else could write.
 */
import { chmod, mkdir, stat } from "node:fs/promises"
import { dirname } from "node:path"

/** Makes a folder and those above it, as open as the one that was there already; one that is there is no error. */
export const makeSharedFolder = async (path: string): Promise<void> => {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  const mode = await modeOf(dirname(first))
  if ((mode & groupWrites) === 0) return
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    if ((await modeOf(made)) !== mode) await chmod(made, mode)
  }
}

// --- internal ---

const groupWrites = 0o020

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777
