/**
 * Comparing the targets of a cascade with a list that is kept elsewhere, such as an inventory: a repository that is in one
 * of them only would be forgotten, or written to by surprise.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { CascadeConfig } from "./CascadeConfig.ts"
import { parseTargetUrl, repositoryOf } from "./TargetUrl.ts"

/** Longest list, in UTF-16 units. */
export const targetListLengthMax = 4 * 1024 * 1024

/** Most lines of a list. */
export const targetListLinesMax = 20_000

/** The list cannot be read. */
export class TargetListInvalid extends Schema.TaggedError<TargetListInvalid>("git/TargetListInvalid")(
  "TargetListInvalid",
  { list: Schema.String, line: Schema.NullOr(Schema.Int), reason: Schema.String }
) {
  override get message(): string {
    return `${this.list}${this.line === null ? "" : `:${this.line}`}: ${this.reason}`
  }
}

/** What two lists of repositories do not have in common, as `host/owner/name`, in order. */
export const TargetDrift = Schema.Struct({
  /** In the list and no target of the cascade. */
  missing: Schema.Array(Schema.String),
  /** A target of the cascade and not in the list. */
  extra: Schema.Array(Schema.String),
  /** In both. */
  common: Schema.Int
})
export type TargetDrift = typeof TargetDrift.Type

/**
 * Reads a list: one address or `owner/name` a line; empty lines and what follows `#` after a space or at the start of a
 * line do not count. `TargetListInvalid` with the line.
 */
export const parseTargetList = (source: {
  readonly list: string
  readonly text: string
  readonly giteaUrl?: string | undefined
}): Either.Either<ReadonlySet<string>, TargetListInvalid> =>
  Either.gen(function* () {
    const { giteaUrl, list, text } = source
    const refuse = (line: number | null, reason: string) =>
      Either.left(new TargetListInvalid({ list, line, reason }))
    if (text.length > targetListLengthMax) {
      return yield* refuse(null, `it is longer than ${targetListLengthMax} characters`)
    }
    const lines = text.split("\n")
    if (lines.length > targetListLinesMax) {
      return yield* refuse(null, `it has more than ${targetListLinesMax} lines`)
    }
    const repositories = new Set<string>()
    for (const [at, line] of lines.entries()) {
      const address = line.replace(/(?:^|\s)#.*$/, "").trim()
      if (address === "") continue
      const parsed = parseTargetUrl(address, giteaUrl)
      if (Either.isLeft(parsed)) return yield* refuse(at + 1, parsed.left.message)
      repositories.add(repositoryOf(parsed.right))
    }
    return repositories
  })

/** Compares the targets of a cascade, those that are not enabled included, with a list. */
export const driftOf = (config: CascadeConfig, list: ReadonlySet<string>): TargetDrift => {
  const configured = new Set(config.targets.map(({ repository }) => repository))
  return {
    missing: [...list].filter((repository) => !configured.has(repository)).sort(),
    extra: [...configured].filter((repository) => !list.has(repository)).sort(),
    common: [...configured].filter((repository) => list.has(repository)).length
  }
}
