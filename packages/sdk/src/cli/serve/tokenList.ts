/** `patchmoi token list`: what each may do; never what it is. */
import { join } from "node:path"
import * as Either from "effect/Either"
import { readTokens, tokensFileName } from "../../server/Tokens.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { RecordFlags } from "../Session.ts"
import { backendFolder } from "./plan.ts"

export const run: Run<RecordFlags> = (session, flags) => {
  const file = join(backendFolder(session, flags), tokensFileName)
  const tokens = Either.getOrThrowWith(readTokens(file), (problem) => problem)
  if (session.json) {
    session.printJson({ tokens: tokens.map(({ hash, ...token }) => token) })
    return exitCodes.good
  }
  session.printRows(
    [
      { title: "ID", of: ({ id }) => id },
      { title: "NAME", of: ({ name }) => name },
      { title: "SCOPES", of: ({ scopes }) => scopes.join(",") },
      { title: "CREATED", of: ({ createdAt }) => createdAt },
      { title: "REVOKED", of: ({ revokedAt }) => revokedAt ?? "" }
    ],
    tokens
  )
  return exitCodes.good
}
