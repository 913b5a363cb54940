/** What a client is told, checked: options come from programs without types too, and a typo must not choose another store. */
import { resolve } from "node:path"
import { isFolder } from "../isFolder.ts"
import { InvalidOptions } from "./errors.ts"
import type { LocalClientOptions } from "./FlowClientOptions.ts"
import { isRecord, isText, type OptionCheck, refuseUnknown } from "./optionChecks.ts"

/** Throws `InvalidOptions` for the first option that is not what it must be. */
export const checkOptions = (options: LocalClientOptions): void => {
  const given: Readonly<Record<string, unknown>> = isRecord(options)
    ? options
    : refuse("", "an object", options)
  refuseUnknown(given, checks)
  if (given["mode"] === undefined) refuse("mode", modes, undefined)
  for (const [name, check] of Object.entries(checks)) {
    const value = given[name]
    if (value === undefined) continue
    if (!check.fits(value)) refuse(name, check.expected, value)
  }
}

// --- internal ---

const isCount = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0

const isState = (value: unknown): boolean =>
  value === false ||
  value === "memory" ||
  (isRecord(value) &&
    (value["kind"] === "file" || value["kind"] === "sqlite") &&
    (value["dataDir"] === undefined || isText(value["dataDir"])) &&
    Object.keys(value).every((name) => name === "kind" || name === "dataDir"))

const modes = '"local" or "http"'

const checks: Readonly<Record<keyof LocalClientOptions, OptionCheck>> = {
  mode: { expected: modes, fits: (value) => value === "local" },
  cwd: {
    expected: "the path of a folder",
    fits: (value) => typeof value === "string" && isFolder(resolve(value))
  },
  roots: {
    expected: "a list of paths",
    fits: (value) => Array.isArray(value) && value.every(isText)
  },
  env: { expected: "an object of variables", fits: isRecord },
  state: { expected: 'false, "memory" or { kind: "file" | "sqlite", dataDir? }', fits: isState },
  concurrency: { expected: "a whole number above 0", fits: isCount },
  queueMax: { expected: "a whole number above 0", fits: isCount }
}

const refuse = (field: string, expected: string, found: unknown): never => {
  const shown = found === undefined ? "nothing" : field === "env" ? kindOf(found) : textOf(found)
  throw new InvalidOptions(
    field === ""
      ? `Expected ${expected}, found ${shown}`
      : `Option "${field}": expected ${expected}, found ${shown}`,
    { field }
  )
}

/** What a variable holds is never shown. */
const kindOf = (found: unknown): string =>
  found === null ? "null" : Array.isArray(found) ? "a list" : typeof found

const textOf = (found: unknown): string => {
  try {
    return (JSON.stringify(found) ?? String(found)).slice(0, 200)
  } catch {
    return typeof found
  }
}
