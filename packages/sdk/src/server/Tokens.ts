/**
 * Bearer tokens: `pmt_<id>_<secret>`, 256 random bits, shown once. What is kept of one is its SHA-256, so that whoever
 * reads the file can call nobody's server; a hash without salt and stretching is enough for a secret that is not guessable.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type Caller, scopes } from "./Caller.ts"

/** How many tokens a file may have, those that were revoked included. */
export const tokensMax = 1_000
/** Longest name of a token, in characters. */
export const tokenNameLengthMax = 64

/** A token as it is kept. */
export const TokenEntry = Schema.Struct({
  id: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{16}$/)),
  name: Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9._-]{1,64}$/)),
  scopes: Schema.NonEmptyArray(Schema.Literal(...scopes)),
  /** SHA-256 of the whole token, in hexadecimal digits. */
  hash: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/)),
  createdAt: Schema.String,
  revokedAt: Schema.optional(Schema.String)
})
export interface TokenEntry extends Schema.Schema.Type<typeof TokenEntry> {}

/** The file of tokens cannot be used; nothing is let in by a token meanwhile. */
export class TokensFileError extends Schema.TaggedError<TokensFileError>("patchmoi/TokensFileError")(
  "TokensFileError",
  { file: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `The tokens in ${this.file} cannot be used: ${this.reason}`
  }
}

/** The name of the file in the folder of the record. */
export const tokensFileName = "tokens.json"

/** The tokens of a file; none when there is no file. */
export const readTokens = (file: string): Either.Either<ReadonlyArray<TokenEntry>, TokensFileError> => {
  const refuse = (cause: unknown) =>
    new TokensFileError({
      file,
      reason: cause instanceof Error ? cause.message.slice(0, 500) : String(cause)
    })
  return Either.try({
    try: () => {
      const found = statSync(file, { throwIfNoEntry: false })
      return found === undefined ? [] : decodeFile(readFileSync(file, "utf8")).tokens
    },
    catch: refuse
  })
}

/** Replaces the tokens of a file in one step; only its owner may read it. */
export const writeTokens = (
  file: string,
  tokens: ReadonlyArray<TokenEntry>
): Either.Either<void, TokensFileError> =>
  Either.try({
    try: () => {
      mkdirSync(dirname(file), { recursive: true })
      const draft = `${file}.${randomBytes(6).toString("hex")}`
      try {
        writeFileSync(draft, `${JSON.stringify({ version: 1, tokens }, undefined, 2)}\n`, { mode: 0o600 })
        chmodSync(draft, 0o600)
        renameSync(draft, file)
      } finally {
        rmSync(draft, { force: true })
      }
    },
    catch: (cause) =>
      new TokensFileError({ file, reason: cause instanceof Error ? cause.message : String(cause) })
  })

/** A new token, and what is kept of it. */
export const makeToken = (options: {
  readonly name: string
  readonly scopes: TokenEntry["scopes"]
  /** ISO 8601. */
  readonly createdAt: string
}): { readonly token: string; readonly entry: TokenEntry } => {
  const id = randomBytes(8).toString("hex")
  const token = `pmt_${id}_${randomBytes(32).toString("base64url")}`
  return { token, entry: { id, ...options, hash: sha256(token).toString("hex") } }
}

/** The caller that a token stands for; undefined when it is none of these, or was revoked. */
export const callerOfToken = (tokens: ReadonlyMap<string, TokenEntry>, token: string): Caller | undefined => {
  const [, id] = /^pmt_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/.exec(token) ?? []
  const entry = id === undefined ? undefined : tokens.get(id)
  if (entry === undefined || entry.revokedAt !== undefined) return undefined
  return timingSafeEqual(sha256(token), Buffer.from(entry.hash, "hex"))
    ? { by: `http:token:${entry.name}`, scopes: new Set(entry.scopes) }
    : undefined
}

// --- internal ---

const decodeContent = Schema.decodeUnknownEither(
  Schema.Struct({
    version: Schema.Literal(1),
    tokens: Schema.Array(TokenEntry).pipe(Schema.maxItems(tokensMax))
  })
)

/** Throws in one line, with the field. */
const decodeFile = (text: string): { readonly tokens: ReadonlyArray<TokenEntry> } => {
  const decoded = decodeContent(JSON.parse(text))
  if (Either.isRight(decoded)) return decoded.right
  const [issue] = ParseResult.ArrayFormatter.formatErrorSync(decoded.left)
  throw new Error(`${issue?.path.join(".") ?? ""}: ${issue?.message.split("\n")[0] ?? "is wrong"}`)
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest()
