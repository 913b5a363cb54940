/** What every command is given: the folder it works in, and the ways to say something. */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { isFolder } from "../isFolder.ts"
import type { StoreKind } from "../record/storeKinds.ts"
import type { Caller } from "./Caller.ts"
import { type Styles, stylesOf } from "./text/style.ts"
import { type Column, toLines, toTable } from "./text/table.ts"
import { UsageError } from "./UsageError.ts"
import { variable } from "./variables.ts"

/** Options of every command. */
export interface CommonFlags {
  readonly json?: boolean
  readonly cwd?: string
}

/** Options of a command that uses a record. */
export interface RecordFlags extends CommonFlags {
  readonly dataDir?: string
}

/** Options of a command that may make a record. */
export interface StoreFlags extends RecordFlags {
  readonly store?: StoreKind
}

/** Options of a command that lists. */
export interface PageFlags {
  readonly limit?: number
  readonly cursor?: string
}

export interface Session {
  readonly caller: Caller
  /** The folder that paths are relative to and that is the workspace: `--cwd`. Absolute. */
  readonly directory: string
  readonly json: boolean
  /** Whether a person reads standard output: prose and tables. Otherwise lines with tabs. */
  readonly forPeople: boolean
  readonly styles: Styles
  /** Columns of a line. */
  readonly width: number
  /** Writes to standard output as it is. */
  readonly print: (text: string) => void
  /** Writes a line to standard error. */
  readonly note: (line: string) => void
  /** Writes a value as JSON, indented by two spaces. */
  readonly printJson: (value: unknown) => void
  /** Rows as a table on a terminal, as lines with tabs elsewhere. */
  readonly printRows: <Row>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>) => void
  /** A path that the user gave, absolute. */
  readonly path: (given: string) => string
}

/** The width of a terminal that does not tell. */
const columnsDefault = 80

/** Begins a session. A `--cwd` that is no folder is a {@link UsageError}. */
export const beginSession = (caller: Caller, flags: CommonFlags): Session => {
  const directory = workingDirectory(caller, flags.cwd)
  const json = flags.json === true
  const forPeople = caller.stdout.isTerminal && !json
  const styles = stylesOf(caller, caller.stdout)
  const width = widthOf(caller)
  const print = (text: string): void => {
    if (text !== "") caller.stdout.write(text)
  }
  return {
    caller,
    directory,
    json,
    forPeople,
    styles,
    width,
    print,
    note: (line) => caller.stderr.write(`${line}\n`),
    printJson: (value) => print(`${JSON.stringify(value, undefined, 2)}\n`),
    printRows: (columns, rows) =>
      print(forPeople ? toTable(columns, rows, { width, heading: styles.bold }) : toLines(columns, rows)),
    path: (given) => resolve(directory, given)
  }
}

/** Where the record of `event`, `run`, `attempt`, `watch` and `log` is when nobody says: the same place as a client's. */
export const recordFolderDefault = ".codex/flow-client"

/** Where `serve` keeps its record when nobody says. */
export const backendFolderDefault = ".codex/flow-backend"

/**
 * The folder of a record that is there. When nobody says which, and only a backend has kept one, it is the backend's; on
 * standard error it is said which one that is.
 */
export const recordFolder = (session: Session, flags: RecordFlags): string => {
  const folder = newRecordFolder(session, flags)
  if (isAsked(session, flags) || existsSync(folder)) return folder
  const backend = session.path(backendFolderDefault)
  if (!existsSync(backend)) return folder
  if (!session.json) session.note(`Using the record of the backend, ${backend}`)
  return backend
}

/** The folder of a record that is made where there is none. */
export const newRecordFolder = (session: Session, flags: RecordFlags): string =>
  givenRecordFolder(session, flags) ??
  session.path(variable(session.caller.env, "CODEX_FLOW_BACKEND_DATA_DIR") ?? recordFolderDefault)

/** The folder of a record that somebody asked for, by option or variable; a one-shot command keeps none otherwise. */
export const givenRecordFolder = (session: Session, flags: RecordFlags): string | undefined => {
  const given = flags.dataDir ?? variable(session.caller.env, "DATA_DIR")
  return given === undefined ? undefined : session.path(given)
}

// --- internal ---

const isAsked = (session: Session, flags: RecordFlags): boolean =>
  givenRecordFolder(session, flags) !== undefined ||
  variable(session.caller.env, "CODEX_FLOW_BACKEND_DATA_DIR") !== undefined

const workingDirectory = (caller: Caller, given: string | undefined): string => {
  const asked = given ?? variable(caller.env, "CODEX_FLOW_BACKEND_CWD")
  if (asked === undefined) return caller.cwd
  const directory = resolve(caller.cwd, asked)
  if (isFolder(directory)) return directory
  const name = given === undefined ? "CODEX_FLOW_BACKEND_CWD" : "--cwd"
  throw new UsageError(`${name} must be a folder; ${directory} is none`, { option: name, found: asked })
}

const widthOf = (caller: Caller): number => {
  const asked = Number(variable(caller.env, "COLUMNS"))
  return Number.isSafeInteger(asked) && asked > 0 ? asked : caller.columns || columnsDefault
}
