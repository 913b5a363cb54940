/**
 * `patches.toml` on the branch `patch-contracts`: contracts of patches, one table each.
 *
 *     [patches."patch/010-login"]
 *     purpose   = "…"
 *     owner     = "…"
 *     upstream  = "https://…"
 *     drop_when = "tag:v2.1"
 *     scope     = ["src/login/**"]
 *     checks    = ["bun test login"]
 *
 * The key of a table is the name of the patch, with or without the number that orders it, so that a patch that is moved in
 * the stack keeps its contract.
 */
import { nearest } from "@patchmoi/core/nearest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { parse, TomlError } from "smol-toml"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import { lineOfKey } from "../internal/tomlHints.ts"
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
import { withoutNumber } from "./patchNames.ts"

/** The branch that holds the file. It is no patch branch, whatever the prefix: no prefix ends without a slash. */
export const contractBranch = "patch-contracts"

/** The file, at the top of the branch's tree. */
export const contractFileName = "patches.toml"

/** Longest accepted file, in bytes. */
export const contractFileBytesMax = 256 * 1024

/** Tables that one file may hold. */
export const contractTablesMax = 1_000

/** One table, and the line of its header where it is found. */
export type ContractTable = ContractFields & { readonly line: number | null }

/** The file's meaning. */
export interface ContractFile {
  /** Where it lies, such as `patch-contracts:patches.toml`. */
  readonly name: string
  readonly tables: ReadonlyMap<string, ContractTable>
  readonly issues: ReadonlyArray<ContractIssue>
}

/** What holds without the file. */
export const emptyContractFile: ContractFile = {
  name: `${contractBranch}:${contractFileName}`,
  tables: new Map(),
  issues: []
}

/** The table of a patch: by its name, else by its name without the number. */
export const tableFor = (file: ContractFile, patch: string): ContractTable | undefined =>
  file.tables.get(patch) ?? file.tables.get(withoutNumber(patch))

/** Reads the file. `null` when the branch or the file is not there, which is not an error. `GitError` when git fails. */
export const readContractFile = Effect.fnUntraced(function* (repository: Repository) {
  const names = [`refs/heads/${contractBranch}:${contractFileName}`]
  const [size] = yield* readObjectSizes({ repository, names })
  if (size === null || size === undefined) return null
  if (size.type !== "blob" || size.size > contractFileBytesMax) {
    const expected = `a file of at most ${contractFileBytesMax} bytes`
    const found = size.type === "blob" ? `${size.size} bytes` : `a ${size.type}`
    return { ...emptyContractFile, issues: [issueOf({ expected, found })] }
  }
  const [blob] = yield* readObjects({ repository, names: [size.id] })
  return parseContractFile(blob?.content.toString("utf8") ?? "")
})

/** Reads the meaning of the file's text. Total: what is wrong is an issue. */
export const parseContractFile = (text: string): ContractFile => {
  const issues: Array<ContractIssue> = []
  const tables = new Map<string, ContractTable>()
  const top = parseToml(text, issues)
  for (const [key, value] of entriesOf(top)) {
    if (key !== "patches") {
      const found = "an unknown key"
      issues.push(issueOf({ key, line: lineOfKey(text, key), expected: '[patches."<name>"]', found }))
    } else if (!isTable(value)) {
      issues.push(issueOf({ key, line: lineOfKey(text, key), expected: "a table", found: quote(value) }))
    }
  }
  const patches = entriesOf(top).find(([key]) => key === "patches")?.[1]
  for (const [name, table] of entriesOf(patches).slice(0, contractTablesMax)) {
    tables.set(name, tableOf({ text, name, table, issues }))
  }
  if (entriesOf(patches).length > contractTablesMax) {
    issues.push(issueOf({ key: "patches", expected: `at most ${contractTablesMax} tables`, found: "more" }))
  }
  return { name: emptyContractFile.name, tables, issues: issues.slice(0, contractIssuesMax) }
}

// --- internal ---

const fieldOfKey: Readonly<Record<string, SingleField | ListField>> = {
  purpose: "purpose",
  owner: "owner",
  upstream: "upstream",
  drop_when: "dropWhen",
  scope: "scope",
  checks: "checks"
}

const issueOf = (given: {
  readonly patch?: string
  readonly key?: string
  readonly line?: number | null
  readonly expected: string
  readonly found: string
}): ContractIssue => ({
  patch: given.patch ?? null,
  commitId: null,
  file: emptyContractFile.name,
  line: given.line ?? null,
  key: given.key ?? "",
  expected: given.expected,
  found: given.found
})

const parseToml = (text: string, issues: Array<ContractIssue>): unknown => {
  try {
    return parse(text)
  } catch (cause) {
    // The parser's message goes on with lines of the file, which may hold anything; only its first line is kept.
    const found = cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : String(cause)
    issues.push(
      issueOf({ line: cause instanceof TomlError ? cause.line : null, expected: "valid TOML", found })
    )
    return {}
  }
}

const tableOf = (given: {
  readonly text: string
  readonly name: string
  readonly table: unknown
  readonly issues: Array<ContractIssue>
}): ContractTable => {
  const { text, name, table, issues } = given
  const section = `patches.${JSON.stringify(name)}`
  const line = lineOfKey(text, section) ?? lineOfKey(text, `patches.${name}`)
  const refuse = (key: string, expected: string, found: string) => {
    const at = lineOfKey(text, section, key) ?? lineOfKey(text, `patches.${name}`, key) ?? line
    issues.push(issueOf({ patch: name, key: `${section}.${key}`, line: at, expected, found }))
  }
  const single: Partial<Record<SingleField, string>> = {}
  const lists: Record<ListField, Array<string>> = { scope: [], checks: [] }
  if (!isTable(table))
    issues.push(issueOf({ patch: name, key: section, line, expected: "a table", found: quote(table) }))
  for (const [key, value] of entriesOf(table)) {
    const field = Object.hasOwn(fieldOfKey, key) ? fieldOfKey[key] : undefined
    if (field === undefined) {
      const known = Object.keys(fieldOfKey)
      refuse(key, nearest(key, known) ?? `one of ${known.join(", ")}`, "an unknown key")
      continue
    }
    const values: ReadonlyArray<unknown> = isListField(field) && Array.isArray(value) ? value : [value]
    if (values.length > listItemsMax) refuse(key, `at most ${listItemsMax} of them`, String(values.length))
    for (const item of values.slice(0, listItemsMax)) {
      const parsed = typeof item === "string" ? parseField(field, item) : Either.left(expectedOf(field))
      if (Either.isLeft(parsed)) refuse(key, parsed.left, quote(item))
      else if (isListField(field)) lists[field].push(parsed.right)
      else single[field] = parsed.right
    }
  }
  return { single, ...lists, line }
}

const expectedOf = (field: SingleField | ListField): string =>
  isListField(field) ? "an array of texts" : "a text"

const quote = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, foundLengthMax)

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  isTable(value) ? Object.entries(value) : []
