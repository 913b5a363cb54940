/**
 * Small files that are read again only when they changed: by path, time of change, size and inode. They are read in step:
 * a look costs microseconds, and the first asynchronous read of a process costs milliseconds (docs/decisions/0005).
 */
import { readFileSync, statSync } from "node:fs"
import { errorCode } from "./FlowPaths.ts"

/** One version of one file; the same object as long as the file is the same. */
export interface FileVersion {
  readonly path: string
  /** Tells versions apart: times in nanoseconds, size and inode. */
  readonly identity: string
  readonly text: string
}

/** Why a file has no version: the code of the error, `EISDIR` for what is no file, or `EFBIG`. */
export interface FileUnreadable {
  readonly code: string
}

/**
 * The versions of all files that were asked for since the last {@link FileVersions.sweep}. Between two sweeps a file is
 * looked at once, however many ask, so that all of them see the same version.
 */
export class FileVersions {
  #old = new Map<string, FileVersion>()
  #current = new Map<string, FileVersion | FileUnreadable>()

  /** The file as it is now; `bytesMax` bounds what is read into memory. Never throws. */
  read(path: string, bytesMax: number): FileVersion | FileUnreadable {
    const version = this.#current.get(path) ?? look(path, bytesMax, this.#old.get(path))
    this.#current.set(path, version)
    return version
  }

  /** Forgets what was not asked for since the last sweep, and looks at files anew from here on. */
  sweep(): void {
    const versions = [...this.#current.values()]
    this.#old = new Map(versions.flatMap((each) => ("code" in each ? [] : [[each.path, each] as const])))
    this.#current = new Map()
  }
}

const look = (
  path: string,
  bytesMax: number,
  known: FileVersion | undefined
): FileVersion | FileUnreadable => {
  try {
    // Taken before the text: a write in between makes the next look read again, never miss it.
    const status = statSync(path, { bigint: true })
    if (!status.isFile()) return { code: "EISDIR" }
    if (status.size > bytesMax) return { code: "EFBIG" }
    const identity = [status.mtimeNs, status.ctimeNs, status.size, status.dev, status.ino].join(":")
    return known?.identity === identity ? known : { path, identity, text: readFileSync(path, "utf8") }
  } catch (cause) {
    return { code: errorCode(cause) }
  }
}
