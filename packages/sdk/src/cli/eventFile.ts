/** Reads the file behind `--event`. */
import { closeSync, openSync } from "node:fs"
import { readBounded } from "./readBounded.ts"
import type { Session } from "./Session.ts"

/** Largest event file, in bytes (8 MiB). A payload may be 1 MiB of JSON, which an indented file can write larger. */
export const eventFileBytesMax = 8_388_608

/** A file that holds no event. Nothing was dispatched. */
export class EventFileInvalid extends Error {
  readonly _tag = "EventFileInvalid"
  override readonly name = "EventFileInvalid"

  constructor(
    readonly file: string,
    readonly reason: string
  ) {
    super(`${file}: ${reason}`)
  }
}

/** An event as a file has it: an id and a type at least. What else it must be is checked when it is dispatched. */
export interface FileEvent {
  readonly id: string
  readonly type: string
  readonly payload: unknown
  readonly [field: string]: unknown
}

/** The event in a file, `-` for standard input; `payload` is `{}` where the file has none. Rejects with {@link EventFileInvalid}. */
export const readEventFile = async (session: Session, given: string): Promise<FileEvent> => {
  const file = given === "-" ? "standard input" : session.path(given)
  const bytes = given === "-" ? await session.caller.readInput(eventFileBytesMax) : readUpTo(file)
  if (bytes.byteLength > eventFileBytesMax) {
    throw new EventFileInvalid(file, `it is larger than ${eventFileBytesMax} bytes`)
  }
  const value = parse(file, new TextDecoder().decode(bytes))
  if (typeof value !== "object" || value === null || !("id" in value && "type" in value))
    throw incomplete(file)
  const { id, type } = value
  if (typeof id !== "string" || typeof type !== "string") throw incomplete(file)
  return { payload: {}, ...value, id, type }
}

// --- internal ---

const incomplete = (file: string): EventFileInvalid =>
  new EventFileInvalid(file, "event file must contain at least string id and type")

const parse = (file: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new EventFileInvalid(
      file,
      `it is not JSON (${cause instanceof Error ? cause.message : String(cause)})`
    )
  }
}

/** The file, or one byte more than may be read of it. */
const readUpTo = (file: string): Uint8Array => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, "r")
    return readBounded(descriptor, eventFileBytesMax + 1)
  } catch (cause) {
    const code = codeOf(cause)
    throw new EventFileInvalid(
      file,
      code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`
    )
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
