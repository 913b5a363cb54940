/** Takes keys out of the tables of one manifest and notes what is wrong or unknown, with the field's full path. */

import type { FlowIssue } from "@patchmoi/core/flow/Flow"
import { nearest } from "@patchmoi/core/nearest"
import type { ListItem, ManifestKey, Table } from "./FlowManifestKinds.ts"

/** Longest text that an issue quotes, in UTF-16 code units. */
const quotedLengthMax = 80

/** One table: what its keys hold. */
export interface TableReader {
  /** The value of a key; `undefined` when it is absent or wrong. What is wrong is noted. */
  readonly take: <A>(key: ManifestKey<A>) => A | undefined
  /** The elements of a list, of which each wrong one is noted by itself. */
  readonly takeList: <A>(
    key: ManifestKey<ReadonlyArray<unknown>>,
    item: ListItem<A>
  ) => ReadonlyArray<A> | undefined
}

/** Reads the tables of one file. */
export class ManifestReader {
  readonly issues: Array<FlowIssue> = []
  readonly warnings: Array<string> = []

  constructor(readonly file: string) {}

  /** Notes that a field is not what it must be. */
  refuse(field: string, expected: string, value: unknown): void {
    const found = describe(value)
    const message = `${field} must be ${expected}; found ${found}`
    this.issues.push({ file: this.file, field, expected, found, message })
  }

  /** Notes that the whole file cannot be read. */
  refuseFile(message: string, line: number | undefined): void {
    this.issues.push({ file: this.file, ...(line === undefined ? {} : { line }), message })
  }

  /** Notes what is not wrong but worth a look. */
  warn(message: string): void {
    this.warnings.push(message)
  }

  /** Begins to read a table; keys that are not among `keys` are noted at once. */
  table(table: Table, path: string, keys: Readonly<Record<string, ManifestKey<unknown>>>): TableReader {
    const fieldOf = (name: string): string => (path === "" ? name : `${path}.${name}`)
    const known = Object.values(keys).map((key) => key.name)
    for (const name of Object.keys(table)) {
      if (known.includes(name)) continue
      const near = nearest(name, known)
      const hint = near === undefined ? "" : `; did you mean ${near}?`
      this.warn(`the key ${fieldOf(quoteKey(name))} is not known and is ignored${hint}`)
    }
    const take = <A>(key: ManifestKey<A>): A | undefined => {
      const value = Object.hasOwn(table, key.name) ? table[key.name] : undefined
      if (value === undefined && !key.required) return undefined
      const read = key.read(value)
      if (read === undefined) this.refuse(fieldOf(key.name), key.expected, value)
      return read
    }
    const takeList = <A>(
      key: ManifestKey<ReadonlyArray<unknown>>,
      item: ListItem<A>
    ): ReadonlyArray<A> | undefined =>
      take(key)?.flatMap((element, index) => {
        const read = item.read(element)
        if (read === undefined) this.refuse(`${fieldOf(key.name)}[${index}]`, item.expected, element)
        return read === undefined ? [] : [read]
      })
    return { take, takeList }
  }
}

const describe = (value: unknown): string => {
  if (value === undefined) return "nothing"
  if (typeof value === "string") {
    return JSON.stringify(value.length > quotedLengthMax ? `${value.slice(0, quotedLengthMax)}…` : value)
  }
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  if (value instanceof Date) return "a date"
  return typeof value === "object" ? "a table" : String(value)
}

const quoteKey = (name: string): string =>
  /^[A-Za-z0-9_-]{1,80}$/.test(name) ? name : JSON.stringify(name.slice(0, quotedLengthMax))
