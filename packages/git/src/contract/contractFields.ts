/** The fields of a contract, whichever place they are written in: their limits, and what each one expects. Pure. */
import * as Either from "effect/Either"
import { parseDropWhen } from "./DropWhen.ts"
import { parseGlob } from "./PathGlob.ts"

/** Longest text of one field, in UTF-16 units. */
export const fieldLengthMax = 1_000

/** Scopes of one patch, and likewise checks. */
export const listItemsMax = 50

/** Fields that hold one value. */
export type SingleField = "purpose" | "owner" | "upstream" | "dropWhen"

/** Fields that hold several. */
export type ListField = "scope" | "checks"

/** What was written in one place. */
export interface ContractFields {
  readonly single: Readonly<Partial<Record<SingleField, string>>>
  readonly scope: ReadonlyArray<string>
  readonly checks: ReadonlyArray<string>
}

/** Nothing was written. */
export const emptyFields: ContractFields = { single: {}, scope: [], checks: [] }

/** Tells whether the field holds several values. */
export const isListField = (field: SingleField | ListField): field is ListField =>
  field === "scope" || field === "checks"

/** The value as it is kept. Left: what is expected instead. */
export const parseField = (field: SingleField | ListField, value: string): Either.Either<string, string> => {
  const text = value.trim()
  if (text === "" || text.length > fieldLengthMax || hasControl(text)) {
    return Either.left(`a text of 1 to ${fieldLengthMax} characters without control characters`)
  }
  const problem = problemOf[field](text)
  return problem === undefined ? Either.right(text) : Either.left(problem)
}

// --- internal ---

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
const hasControl = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text)

const noProblem = (): string | undefined => undefined

const problemOf: Readonly<Record<SingleField | ListField, (text: string) => string | undefined>> = {
  purpose: noProblem,
  owner: noProblem,
  checks: noProblem,
  upstream: (text) => (isLink(text) ? undefined : "an http or https URL"),
  dropWhen: (text) =>
    Either.match(parseDropWhen(text), { onLeft: (expected) => expected, onRight: noProblem }),
  scope: (text) => Either.match(parseGlob(text), { onLeft: (expected) => expected, onRight: noProblem })
}

const isLink = (text: string): boolean => {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && (url.protocol === "https:" || url.protocol === "http:") && url.password === ""
}
