/** The tokens of a file as a running server sees them: read again when the file has changed. */
import { statSync } from "node:fs"
import * as Either from "effect/Either"
import { readTokens, type TokenEntry } from "./Tokens.ts"

/** How long a change of the file may go unnoticed, in milliseconds: a revoked token works no longer than this. */
export const tokenFileAgeMillisMax = 1_000

/** Both take the time in milliseconds: the file is looked at again when {@link tokenFileAgeMillisMax} have passed. */
export interface TokenFile {
  /** Id → token. While the file cannot be used there are none. */
  readonly current: (nowMillis: number) => ReadonlyMap<string, TokenEntry>
  /** Whether the file is there at all, also when it cannot be used or every token was revoked: the server stays closed then. */
  readonly exists: (nowMillis: number) => boolean
}

/** Looks at a file; `onProblem` is told once for each content that cannot be used. */
export const openTokenFile = (file: string, onProblem: (message: string) => void): TokenFile => {
  let lookedAt = Number.NEGATIVE_INFINITY
  let version: string | undefined
  let tokens: ReadonlyMap<string, TokenEntry> = new Map()
  const look = (nowMillis: number): void => {
    if (nowMillis - lookedAt < tokenFileAgeMillisMax && nowMillis >= lookedAt) return
    lookedAt = nowMillis
    const found = versionOf(file)
    if (found === version) return
    version = found
    tokens = Either.match(readTokens(file), {
      onLeft: (problem) => {
        onProblem(problem.message)
        return new Map()
      },
      onRight: (entries) => new Map(entries.map((entry) => [entry.id, entry]))
    })
  }
  return {
    current: (nowMillis) => {
      look(nowMillis)
      return tokens
    },
    exists: (nowMillis) => {
      look(nowMillis)
      return version !== undefined
    }
  }
}

// --- internal ---

const versionOf = (file: string): string | undefined => {
  try {
    const { ino, mtimeMs, size } = statSync(file)
    return `${ino}:${mtimeMs}:${size}`
  } catch (cause) {
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT"
    return isMissing ? undefined : "unreadable"
  }
}
