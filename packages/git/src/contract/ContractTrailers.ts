/** Contracts in the trailers of a patch's commits, by git's own rules of what a trailer is (git-interpret-trailers). */
import { nearest } from "@patchmoi/core/nearest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Git, nulFieldsOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { type ContractIssue, contractIssuesMax, foundLengthMax } from "./ContractIssue.ts"
import {
  type ContractFields,
  isListField,
  type ListField,
  listItemsMax,
  parseField,
  type SingleField
} from "./contractFields.ts"

/** The trailers of a contract and the field that each one fills. Git compares their keys without case. */
export const contractTrailers = {
  "Patchmoi-Purpose": "purpose",
  "Patchmoi-Owner": "owner",
  "Patchmoi-Upstream": "upstream",
  "Patchmoi-Drop-When": "dropWhen",
  "Patchmoi-Scope": "scope",
  "Patchmoi-Check": "checks"
} as const satisfies Readonly<Record<string, SingleField | ListField>>

/** Trailers that patchmoi itself writes into candidate commits. They say nothing about a contract. */
const ownTrailers = ["Patchmoi-Patch", "Patchmoi-Event"]

/** Trailers of a contract that one patch may have, all commits together. */
const trailersMax = 200

/** Bytes of all trailers together that are read. */
const trailersBytesMax = 32 * 1024 * 1024

/** One trailer as it is written. */
export interface ContractTrailer {
  readonly key: string
  readonly value: string
}

/** What the trailers say, by the name of the patch. `GitError` when git fails or there is far too much to read. */
export const readContractTrailers = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly patches: ReadonlyArray<{ readonly name: string; readonly commits: ReadonlyArray<ObjectId> }>
}) {
  const commits = options.patches.flatMap((patch) => patch.commits)
  const trailers = yield* readTrailers({ repository: options.repository, commits })
  const issues: Array<ContractIssue> = []
  const fields = new Map(
    options.patches.map(({ name, commits: own }) => {
      const said = own.flatMap((commitId) =>
        (trailers.get(commitId) ?? []).map((trailer) => ({ ...trailer, commitId }))
      )
      return [name, fieldsOf(name, said, issues)] as const
    })
  )
  return { fields, issues: issues.slice(0, contractIssuesMax) }
})

/** The trailers that begin with `Patchmoi-`, by commit. Commits without any are absent. */
export const readTrailers = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly commits: ReadonlyArray<ObjectId>
}) {
  const trailers = new Map<string, ReadonlyArray<ContractTrailer>>()
  if (options.commits.length === 0) return trailers
  const git = yield* Git
  const output = yield* git.run({
    args: [
      "-c",
      "trailer.separators=:",
      "-c",
      "i18n.logOutputEncoding=UTF-8",
      "rev-list",
      "--no-commit-header",
      "--no-walk=unsorted",
      "--stdin",
      "--format=%H%n%(trailers:only,unfold)%x00"
    ],
    cwd: options.repository.directory,
    stdin: `${options.commits.join("\n")}\n`,
    outputBytesMax: trailersBytesMax
  })
  for (const record of nulFieldsOf(output.stdout)) {
    const [commit = "", ...lines] = record.replace(/^\n/, "").split("\n")
    const found = lines.flatMap((line): ReadonlyArray<ContractTrailer> => {
      const colon = line.indexOf(":")
      const key = line.slice(0, Math.max(colon, 0)).trim()
      return /^patchmoi-/i.test(key) ? [{ key, value: line.slice(colon + 1).trim() }] : []
    })
    if (isObjectId(commit) && found.length > 0) trailers.set(commit, found)
  }
  return trailers
})

/** The field that a trailer fills, or `null`. */
export const fieldOfTrailer = (key: string): SingleField | ListField | null =>
  Object.entries(contractTrailers).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1] ?? null

// --- internal ---

type Said = ContractTrailer & { readonly commitId: ObjectId }

const fieldsOf = (patch: string, said: ReadonlyArray<Said>, issues: Array<ContractIssue>): ContractFields => {
  const single: Partial<Record<SingleField, string>> = {}
  const lists: Record<ListField, Array<string>> = { scope: [], checks: [] }
  const refuse = ({ key, commitId }: Said, expected: string, found: string) =>
    issues.push({ patch, commitId, file: null, line: null, key, expected, found })
  for (const trailer of said.slice(0, trailersMax)) {
    const field = fieldOfTrailer(trailer.key)
    if (field === null) {
      const expected = unknownExpected(trailer.key)
      if (expected !== null) refuse(trailer, expected, "an unknown trailer")
      continue
    }
    const value = parseField(field, trailer.value)
    if (Either.isLeft(value)) refuse(trailer, value.left, quote(trailer.value))
    else if (!isListField(field)) single[field] = value.right
    else if (lists[field].length >= listItemsMax) refuse(trailer, `at most ${listItemsMax} of them`, "more")
    else if (!lists[field].includes(value.right)) lists[field].push(value.right)
  }
  const [over] = said.slice(trailersMax)
  if (over !== undefined) refuse(over, `at most ${trailersMax} trailers of a contract in one patch`, "more")
  return { single, ...lists }
}

const quote = (value: string): string => JSON.stringify(value.slice(0, foundLengthMax))

/** What an unknown trailer may have meant; `null` for one that patchmoi writes itself. */
const unknownExpected = (key: string): string | null => {
  if (ownTrailers.some((own) => own.toLowerCase() === key.toLowerCase())) return null
  const known = Object.keys(contractTrailers)
  return nearest(key, known) ?? `one of ${known.join(", ")}`
}
