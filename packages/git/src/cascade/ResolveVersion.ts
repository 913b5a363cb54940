/**
 * Which version a build in a downstream repository should use, in this order: the payload of a dispatch, what a person put
 * in by hand, the version file, and otherwise nothing, which leaves the build its own default.
 *
 * A value that is there and is no version is an error and not "nothing": a build must not go on with another version than
 * the one that was asked for.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { type CascadeVersion, parseVersion, readVersionFile } from "./CascadeVersion.ts"

/** Largest event document of a forge that is read, in bytes. */
export const forgeEventBytesMax = 8 * 1024 * 1024

/** Where a version was found. */
export const VersionSource = Schema.Literal("dispatch", "input", "file", "none")
export type VersionSource = typeof VersionSource.Type

/** The version to use; `null` for the build's own default. */
export interface ResolvedVersion {
  readonly version: CascadeVersion | null
  readonly source: VersionSource
}

/** There is a value, and it is no version. */
export class VersionUnusable extends Schema.TaggedError<VersionUnusable>("git/VersionUnusable")(
  "VersionUnusable",
  { source: VersionSource, place: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `${this.place}: ${this.reason}`
  }
}

/** What a build knows. Absent and empty mean the same. */
export interface BuildInputs {
  /** The text of the document that `GITHUB_EVENT_PATH` names, as GitHub, Gitea and Forgejo write it. */
  readonly event?: string | undefined
  /** `INPUT_VERSION`: what a person put in. */
  readonly input?: string | undefined
  /** The bytes of the version file. */
  readonly file?: Uint8Array | undefined
  /** The file's name, for messages. */
  readonly fileName: string
}

/** Resolves the version. `VersionUnusable` when a value is there and is no version. */
export const resolveVersion = (build: BuildInputs): Either.Either<ResolvedVersion, VersionUnusable> =>
  Either.gen(function* () {
    const event = yield* eventOf(build.event)
    const payload = fieldOf(fieldOf(event, "client_payload"), "version")
    if (isGiven(payload)) return yield* found("dispatch", "client_payload.version", payload)
    const typed = isGiven(build.input) ? build.input : fieldOf(fieldOf(event, "inputs"), "version")
    if (isGiven(typed)) return yield* found("input", "the input version", typed)
    const { file, fileName } = build
    if (file === undefined || new TextDecoder().decode(file).trim() === "") {
      return { version: null, source: "none" } as const
    }
    const version = readVersionFile(file)
    return version === null
      ? yield* unusable("file", fileName, "it must hold one version on one line")
      : ({ version, source: "file" } as const)
  })

// --- internal ---

const unusable = (source: VersionSource, place: string, reason: string) =>
  Either.left(new VersionUnusable({ source, place, reason }))

const eventOf = (text: string | undefined): Either.Either<unknown, VersionUnusable> =>
  text === undefined || text.trim() === ""
    ? Either.right(undefined)
    : Either.try({
        try: (): unknown => JSON.parse(text),
        catch: () =>
          new VersionUnusable({ source: "dispatch", place: "GITHUB_EVENT_PATH", reason: "it is not JSON" })
      })

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ""

const found = (
  source: VersionSource,
  place: string,
  value: unknown
): Either.Either<ResolvedVersion, VersionUnusable> =>
  typeof value === "string"
    ? Either.mapBoth(parseVersion(value.trim()), {
        onLeft: (invalid) => new VersionUnusable({ source, place, reason: invalid.message }),
        onRight: (version) => ({ version, source })
      })
    : unusable(source, place, "it must be a text")
