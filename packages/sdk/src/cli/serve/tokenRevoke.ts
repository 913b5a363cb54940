/** `patchmoi token revoke`: the token stays in the list, and opens nothing any more. */
import { join } from "node:path"
import { toIso } from "@patchmoi/core/Time"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readTokens, tokensFileName, writeTokens } from "../../server/Tokens.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { runWith } from "../runWith.ts"
import type { RecordFlags } from "../Session.ts"
import { UsageError } from "../UsageError.ts"
import { backendFolder } from "./plan.ts"

export const run: Run<RecordFlags, [string]> = async (session, flags, asked) => {
  const file = join(backendFolder(session, flags), tokensFileName)
  const revoked = await runWith(
    session,
    Layer.empty,
    Effect.gen(function* () {
      const tokens = yield* readTokens(file)
      const found = tokens.find(
        ({ id, name, revokedAt }) => id === asked || (name === asked && revokedAt === undefined)
      )
      if (found === undefined) {
        return yield* Effect.fail(
          new UsageError(`There is no token ${JSON.stringify(asked)} in ${file}; see: patchmoi token list`, {
            argument: "token",
            found: asked
          })
        )
      }
      const revokedAt = found.revokedAt ?? toIso(yield* Clock.currentTimeMillis)
      yield* writeTokens(
        file,
        tokens.map((token) => (token.id === found.id ? { ...token, revokedAt } : token))
      )
      return { id: found.id, name: found.name, revokedAt }
    })
  )
  if (session.json) session.printJson(revoked)
  else session.print(`revoked ${revoked.id} ${revoked.name}\n`)
  return exitCodes.good
}
