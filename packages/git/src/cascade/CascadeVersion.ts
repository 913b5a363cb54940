/**
 * The version that a cascade writes: what it may look like, how a file holds it, and which of two is newer.
 *
 * A version comes from an event or a command line and ends up in a file, in a commit message and in the environment of
 * a build. It is therefore one short word without spaces and never looks like an option.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** Longest version, in UTF-16 units. */
export const versionLengthMax = 128

/** Longest version file that is read, in bytes. A longer one holds something else. */
export const versionFileBytesMax = 4096

/** A version such as `1.4.2`, `v2.0.0-rc.1` or `2026.11.21`. */
export const CascadeVersion = Schema.String.pipe(
  Schema.filter((value) => versionProblem(value) ?? true),
  Schema.brand("git/CascadeVersion")
)
export type CascadeVersion = typeof CascadeVersion.Type

/** The text is no version. Nothing was read or written. */
export class InvalidVersion extends Schema.TaggedError<InvalidVersion>("git/InvalidVersion")(
  "InvalidVersion",
  { value: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `${JSON.stringify(this.value.slice(0, 80))} is not a usable version: ${this.reason}`
  }
}

/** Accepts a version as it is; nothing is taken off, also not a leading `v`. */
export const parseVersion = (value: string): Either.Either<CascadeVersion, InvalidVersion> => {
  const reason = versionProblem(value)
  return reason === undefined && Schema.is(CascadeVersion)(value)
    ? Either.right(value)
    : Either.left(new InvalidVersion({ value, reason: reason ?? "it does not have the expected form" }))
}

/** The whole content of a version file: the bare version and a newline. */
export const contentOf = (version: string): Uint8Array => new TextEncoder().encode(`${version}\n`)

/**
 * The version in a file's bytes, without the space around it. `null` when there is none: the file is empty, has several
 * lines, or holds what is no version.
 */
export const readVersionFile = (content: Uint8Array): CascadeVersion | null => {
  if (content.byteLength > versionFileBytesMax) return null
  const text = new TextDecoder().decode(content).trim()
  return Either.getOrElse(parseVersion(text), () => null)
}

/**
 * -1, 0 or 1 as the first version is older than, as new as, or newer than the second; `null` when they cannot be compared.
 *
 * The rule is that of Semantic Versioning 2.0.0, section 11, for any number of dotted parts; a part that is missing is 0.
 * One word may stand before the numbers (`v1.2.0`, `tool-v1.2.0`), and must be the same in both; a lone `v` does not
 * count. What follows `+` does not count. Other texts, such as `latest` or a commit, have no order.
 */
export const compareVersions = (one: string, other: string): -1 | 0 | 1 | null => {
  const [left, right] = [partsOf(one), partsOf(other)]
  if (left === null || right === null || left.prefix !== right.prefix) return null
  for (let at = 0; at < Math.max(left.numbers.length, right.numbers.length); at++) {
    const found = compareNumbers(left.numbers[at] ?? "0", right.numbers[at] ?? "0")
    if (found !== 0) return found
  }
  return comparePreReleases(left.preRelease, right.preRelease)
}

// --- internal ---

function versionProblem(value: string): string | undefined {
  if (value === "") return "it is empty"
  if (value.length > versionLengthMax) return `it is longer than ${versionLengthMax} characters`
  if (value.startsWith("-")) return "it begins with a dash, as an option does"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  if (/[\u0000-\u0020\u007f]/.test(value)) return "it contains a space, a line break or a control character"
  return /^[0-9A-Za-z][0-9A-Za-z._+~-]*$/.test(value)
    ? undefined
    : "it must begin with a letter or a digit and hold only letters, digits and . _ + ~ -"
}

interface VersionParts {
  readonly prefix: string
  readonly numbers: ReadonlyArray<string>
  readonly preRelease: ReadonlyArray<string>
}

const partsOf = (version: string): VersionParts | null => {
  const found = /^([A-Za-z][A-Za-z_-]*)?(\d+(?:\.\d+)*)(?:[-~]([0-9A-Za-z.~-]+))?(?:\+.*)?$/.exec(
    version.slice(0, versionLengthMax)
  )
  if (found === null) return null
  const [, prefix = "", numbers = "", preRelease] = found
  return {
    prefix: prefix === "v" || prefix === "V" ? "" : prefix,
    numbers: numbers.split("."),
    preRelease: preRelease === undefined ? [] : preRelease.split(".")
  }
}

const compareNumbers = (one: string, other: string): -1 | 0 | 1 => {
  const [left, right] = [one.replace(/^0+(?=\d)/, ""), other.replace(/^0+(?=\d)/, "")]
  if (left.length !== right.length) return left.length < right.length ? -1 : 1
  return compareTexts(left, right)
}

const compareTexts = (one: string, other: string): -1 | 0 | 1 => (one === other ? 0 : one < other ? -1 : 1)

/** A version without a pre-release is newer than one with; numbers come before words; more parts are newer. */
const comparePreReleases = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): -1 | 0 | 1 => {
  if (one.length === 0 || other.length === 0) {
    return one.length === other.length ? 0 : one.length === 0 ? 1 : -1
  }
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const [left, right] = [one[at], other[at]]
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1
    const areNumbers = [/^\d+$/.test(left), /^\d+$/.test(right)]
    const found =
      areNumbers[0] === true && areNumbers[1] === true
        ? compareNumbers(left, right)
        : areNumbers[0] === areNumbers[1]
          ? compareTexts(left, right)
          : areNumbers[0] === true
            ? -1
            : 1
    if (found !== 0) return found
  }
  return 0
}
