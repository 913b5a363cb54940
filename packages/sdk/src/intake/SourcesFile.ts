/**
 * Reads `feed-sources.json`. Each source is checked on its own: a wrong one is listed as broken, with the
 * path of each wrong field, and the others are watched. Only a file that is not JSON, or holds no list of
 * sources, is an error as a whole.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { decodeSource } from "./internal/decodeSource.ts"
import { isRecord } from "./internal/isRecord.ts"
import { parseJson } from "./internal/jsonText.ts"
import { describeValue, type FieldProblem, formatProblem } from "./internal/schemaProblems.ts"
import { type SourceWarning, unknownKeys } from "./internal/unknownKeys.ts"
import type { Source } from "./Source.ts"
import { secretNamesOf } from "./sourceSecrets.ts"

export type { SourceWarning } from "./internal/unknownKeys.ts"

/** Most sources of one file. */
export const sourcesMax = 10_000
/** Largest sources file, in bytes. */
export const sourcesFileBytesMax = 16 * 1024 * 1024

/** The file as a whole cannot be used: unreadable, not JSON, or without a list of sources. */
export class SourcesFileError extends Schema.TaggedError<SourcesFileError>("patchmoi/SourcesFileError")(
  "SourcesFileError",
  {
    file: Schema.String,
    // Not `line` and `column`: the runtime's errors have these, for the place where they were made.
    /** Counted from 1; present where the text is not JSON. */
    atLine: Schema.optional(Schema.Int),
    atColumn: Schema.optional(Schema.Int),
    reason: Schema.String
  }
) {
  override get message() {
    const place = this.atLine === undefined ? "" : `:${this.atLine}:${this.atColumn ?? 1}`
    return `${this.file}${place}: ${this.reason}`
  }
}

/** A source that is not watched, with every field that is wrong. */
export class BrokenSource extends Schema.TaggedError<BrokenSource>("patchmoi/BrokenSource")("BrokenSource", {
  /** Its place in the list, counted from 0. */
  index: Schema.Int,
  id: Schema.optional(Schema.String),
  problems: Schema.Array(
    Schema.Struct({ path: Schema.String, expected: Schema.String, found: Schema.String })
  )
}) {
  override get message() {
    const lines = this.problems.map((problem) => `  ${formatProblem(problem)}`)
    return `Source ${this.id ?? `number ${this.index + 1}`} is not watched:\n${lines.join("\n")}`
  }
}

/** A sources file, read. `sources` keep the order of the file. */
export interface SourcesFile {
  readonly sources: ReadonlyArray<Source>
  readonly broken: ReadonlyArray<BrokenSource>
  readonly warnings: ReadonlyArray<SourceWarning>
  /** The variables that a source names as holding a secret, broken sources included; no step may see them. */
  readonly secretNames: ReadonlyArray<string>
}

/** How a sources file is read. */
export interface SourcesFileOptions {
  /** The name of the file, for messages. Default: `feed-sources.json`. */
  readonly file?: string
  /** Base URL of the npm registry: `npm` sources may then leave out `url`. Default: none, `url` is required. */
  readonly npmRegistryUrl?: string
}

/**
 * Decodes the text of a sources file.
 *
 * - `SourcesFileError`: not JSON (with line and column), no `sources` list, or more than {@link sourcesMax}.
 *
 * A broken source, a second source with the same id and an unknown key are not errors; they are listed.
 */
export const decodeSourcesFile = (
  text: string,
  options: SourcesFileOptions = {}
): Either.Either<SourcesFile, SourcesFileError> => {
  const file = options.file ?? "feed-sources.json"
  const refuse = (reason: string) => Either.left(new SourcesFileError({ file, reason }))
  const parsed = parseJson(text)
  if (Either.isLeft(parsed)) {
    const { line, column, reason } = parsed.left
    return Either.left(
      new SourcesFileError({ file, atLine: line, atColumn: column, reason: `not JSON: ${reason}` })
    )
  }
  const document = parsed.right
  if (!isRecord(document)) {
    return refuse(`expected an object {"sources": [...]}, found ${describeValue(document, "")}`)
  }
  const list = document["sources"]
  if (!Array.isArray(list)) return refuse(`sources: expected a list, found ${describeValue(list, "sources")}`)
  if (list.length > sourcesMax) {
    return refuse(`sources: expected at most ${sourcesMax} sources, found ${list.length}`)
  }
  const listed = decodeList(list, options)
  const warnings = [...unknownKeys(document, ["sources"], ""), ...listed.warnings]
  return Either.right({ ...listed, warnings, secretNames: secretNamesOf(list) })
}

/** Reads a sources file from disk. Fails as {@link decodeSourcesFile} does, and where the file cannot be read. */
export const readSourcesFile = Effect.fn("SourcesFile.readSourcesFile")(function* (
  file: string,
  options: Omit<SourcesFileOptions, "file"> = {}
) {
  const handle = Bun.file(file)
  if (handle.size > sourcesFileBytesMax) {
    return yield* new SourcesFileError({ file, reason: `larger than ${sourcesFileBytesMax} bytes` })
  }
  const text = yield* Effect.tryPromise({
    try: () => handle.text(),
    catch: (cause) =>
      new SourcesFileError({
        file,
        reason: `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
  return yield* decodeSourcesFile(text, { ...options, file })
})

// --- internal ---

const decodeList = (
  list: ReadonlyArray<unknown>,
  options: SourcesFileOptions
): Omit<SourcesFile, "secretNames"> => {
  const sources: Array<Source> = []
  const broken: Array<BrokenSource> = []
  const warnings: Array<SourceWarning> = []
  const firstWithId = new Map<string, number>()
  for (const [index, value] of list.entries()) {
    const path = `sources[${index}]`
    const decoded = decodeSource(value, path, options, warnings)
    const id = isRecord(value) && typeof value["id"] === "string" ? value["id"] : undefined
    const first = id === undefined ? undefined : firstWithId.get(id)
    if (id !== undefined && first === undefined) firstWithId.set(id, index)
    const problems: Array<FieldProblem> = Either.isLeft(decoded) ? [...decoded.left] : []
    if (first !== undefined) {
      problems.push({
        path: `${path}.id`,
        expected: "an id that no other source has",
        found: `the id of sources[${first}]`
      })
    }
    if (Either.isRight(decoded) && problems.length === 0) sources.push(decoded.right)
    else broken.push(new BrokenSource({ index, ...(id === undefined ? {} : { id }), problems }))
  }
  return { sources, broken, warnings }
}
