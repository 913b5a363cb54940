/** A real server that lets in nobody without proof, and tokens for it: for the tests of this folder. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Either from "effect/Either"
import type { Scope } from "../../src/server/Caller.ts"
import { makeToken, writeTokens } from "../../src/server/Tokens.ts"
import { openServer } from "./place.ts"

export const secret = "a shared secret"

const createdAt = "2026-01-01T00:00:00.000Z"

/** A closed server and a token for each set of scopes. */
export const openClosed = async (allowed: ReadonlyArray<ReadonlyArray<Scope>>) => {
  const folder = await mkdtemp(join(tmpdir(), "flow-tokens-"))
  const tokensFile = join(folder, "tokens.json")
  const made = allowed.map(([scope = "read", ...more], index) =>
    makeToken({ name: `t${index}`, scopes: [scope, ...more], createdAt })
  )
  const write = (revoked: ReadonlySet<number>): void =>
    Either.getOrThrow(
      writeTokens(
        tokensFile,
        made.map(({ entry }, index) => (revoked.has(index) ? { ...entry, revokedAt: createdAt } : entry))
      )
    )
  write(new Set())
  const place = await openServer({ secret, tokensFile })
  return {
    place,
    tokens: made.map(({ token }) => token),
    /** Revokes the tokens of these places, and no others. */
    revoke: (...indices: ReadonlyArray<number>): void => write(new Set(indices)),
    [Symbol.asyncDispose]: async () => {
      await place[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** The request of a token. */
export const bearer = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } })
