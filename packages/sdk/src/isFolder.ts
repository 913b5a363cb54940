/** Whether a path that somebody named is a folder. */
import { statSync } from "node:fs"

/** False also for a path that leads through a file, that is too long, or that no path can be: those the system refuses to look at. */
export const isFolder = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
  } catch {
    return false
  }
}
