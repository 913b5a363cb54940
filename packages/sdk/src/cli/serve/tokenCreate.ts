/** `patchmoi token create`: the token is on standard output and nowhere else. */
import { join } from "node:path"
import { toIso } from "@patchmoi/core/Time"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeToken, readTokens, tokensFileName, tokensMax, writeTokens } from "../../server/Tokens.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { runWith } from "../runWith.ts"
import { UsageError } from "../UsageError.ts"
import type { TokenCreateFlags } from "./flags.ts"
import { backendFolder } from "./plan.ts"

export const run: Run<TokenCreateFlags> = async (session, flags) => {
  const { name } = flags
  const [first, ...others] = new Set(flags.scopes)
  if (first === undefined) throw new UsageError("--scopes needs at least one scope", { option: "--scopes" })
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new UsageError(
      `--name must be 1 to 64 letters, digits, dots, dashes or underscores; found ${JSON.stringify(name)}`,
      { option: "--name", found: name }
    )
  }
  const file = join(backendFolder(session, flags), tokensFileName)
  const made = await runWith(
    session,
    Layer.empty,
    Effect.gen(function* () {
      const tokens = yield* readTokens(file)
      const taken = tokens.some((token) => token.name === name && token.revokedAt === undefined)
      if (taken)
        return yield* Effect.fail(
          new UsageError(`There is a token called ${name} already: revoke it first, or take another name`, {
            option: "--name",
            found: name
          })
        )
      if (tokens.length >= tokensMax)
        return yield* Effect.fail(new UsageError(`There are ${tokensMax} tokens already`))
      const createdAt = toIso(yield* Clock.currentTimeMillis)
      const created = makeToken({ name, scopes: [first, ...others], createdAt })
      yield* writeTokens(file, [...tokens, created.entry])
      return created
    })
  )
  const { id, scopes } = made.entry
  if (session.json) session.printJson({ id, name, scopes, token: made.token })
  else session.print(`${made.token}\n`)
  if (session.forPeople)
    session.note(`Token ${id} for ${name} (${scopes.join(", ")}). It is not shown again.`)
  return exitCodes.good
}
