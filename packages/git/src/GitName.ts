/**
 * Names that reach git from outside: object ids, refs, branches, tags, remotes and revisions.
 *
 * Git reads an argument that begins with `-` as an option, and some options run programs (`--upload-pack=…`). A name
 * therefore becomes a branded value here, once, before it is put on any command line; the functions of this package
 * accept plain strings and refuse the bad ones with `InvalidName`.
 *
 * The rules are those of git-check-ref-format(1), applied without starting git, and a bound on the length.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** Longest accepted name, in UTF-16 units. Git itself is limited by the file system to paths of 4096 bytes. */
export const nameLengthMax = 1024

/** A full object id: 40 hex digits (SHA-1) or 64 (SHA-256), lower case. */
export const ObjectId = Schema.String.pipe(
  Schema.pattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/),
  Schema.brand("git/ObjectId")
)
export type ObjectId = typeof ObjectId.Type

/** A full ref name such as `refs/heads/main`. */
export const RefName = Schema.String.pipe(
  Schema.filter((value) => refNameProblem(value) ?? true),
  Schema.brand("git/RefName")
)
export type RefName = typeof RefName.Type

/** The name of a configured remote, such as `origin`. Never a URL and never an option. */
export const RemoteName = Schema.String.pipe(
  Schema.filter((value) => remoteNameProblem(value) ?? true),
  Schema.brand("git/RemoteName")
)
export type RemoteName = typeof RemoteName.Type

/** What a revision may be: an object id, a ref in short or full form, `HEAD`, each with `~n`, `^n` or `^{commit}`. */
export const Revision = Schema.String.pipe(
  Schema.filter((value) => revisionProblem(value) ?? true),
  Schema.brand("git/Revision")
)
export type Revision = typeof Revision.Type

/** The kinds of names that this package takes from outside. */
export const NameKind = Schema.Literal("ref", "branch", "tag", "remote", "revision", "object id")

/** A name that git must not see. Nothing was run. */
export class InvalidName extends Schema.TaggedError<InvalidName>("git/InvalidName")("InvalidName", {
  kind: NameKind,
  value: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.value.slice(0, 200))} is not a usable ${this.kind} name: ${this.reason}`
  }
}

/** Accepts a full ref name (`refs/…`). */
export const parseRef = (value: string): Either.Either<RefName, InvalidName> =>
  checked("ref", value, refNameProblem(value), Schema.is(RefName))

/** Accepts a short branch name (`main`, `patch/one`) and gives the full ref. */
export const parseBranch = (value: string): Either.Either<RefName, InvalidName> =>
  prefixed("branch", "refs/heads/", value)

/** Accepts a tag name, which may contain `/`, and gives the full ref. */
export const parseTag = (value: string): Either.Either<RefName, InvalidName> =>
  prefixed("tag", "refs/tags/", value)

/** Accepts the name of a remote. */
export const parseRemote = (value: string): Either.Either<RemoteName, InvalidName> =>
  checked("remote", value, remoteNameProblem(value), Schema.is(RemoteName))

/** Accepts a revision that names one commit: no ranges, no paths, no searches. */
export const parseRevision = (value: string): Either.Either<Revision, InvalidName> =>
  checked("revision", value, revisionProblem(value), Schema.is(Revision))

/** Accepts a full object id. */
export const parseObjectId = (value: string): Either.Either<ObjectId, InvalidName> =>
  checked("object id", value, isObjectId(value) ? undefined : "expected 40 or 64 hex digits", isObjectId)

/** Tells whether the text is a full object id. */
export const isObjectId = Schema.is(ObjectId)

/** The name that people read: without `refs/heads/`, `refs/tags/` or `refs/remotes/`. */
export const shortName = (ref: string): string => ref.replace(/^refs\/(?:heads|tags|remotes)\//, "")

// --- internal ---

const checked = <A extends string>(
  kind: typeof NameKind.Type,
  value: string,
  problem: string | undefined,
  is: (value: string) => value is A
): Either.Either<A, InvalidName> =>
  problem === undefined && is(value)
    ? Either.right(value)
    : Either.left(new InvalidName({ kind, value, reason: problem ?? "it does not have the expected form" }))

const prefixed = (
  kind: "branch" | "tag",
  prefix: string,
  value: string
): Either.Either<RefName, InvalidName> => {
  const ref = `${prefix}${value}`
  // A leading dash is legal inside a full ref, but the short form would be read as an option wherever it is shown.
  const problem = value.startsWith("-") ? "it begins with a dash" : refNameProblem(ref)
  return Either.mapLeft(checked(kind, ref, problem, Schema.is(RefName)), (invalid) =>
    invalid.value === value ? invalid : new InvalidName({ kind, value, reason: invalid.reason })
  )
}

const refNameProblem = (value: string): string | undefined =>
  value.startsWith("refs/") ? namePathProblem(value) : "it does not begin with refs/"

const remoteNameProblem = (value: string): string | undefined =>
  value.includes("/") ? "remotes with a slash are not supported" : namePathProblem(value)

const revisionProblem = (value: string): string | undefined => {
  const name = value.replace(/(?:~\d*|\^\d*|\^\{commit\})+$/, "")
  return name === "@" ? undefined : namePathProblem(name)
}

/** The rules of git-check-ref-format(1), plus: no leading dash and a bounded length. */
const namePathProblem = (value: string): string | undefined => {
  if (value === "") return "it is empty"
  if (value.length > nameLengthMax) return `it is longer than ${nameLengthMax} characters`
  if (value.startsWith("-")) return "it begins with a dash"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(value))
    return "it contains a space, a control character or one of ~^:?*[\\"
  if (value.includes("..")) return "it contains two dots in a row"
  if (value.includes("@{")) return "it contains @{"
  if (value === "@") return "a single @ is not a name"
  if (value.endsWith(".")) return "it ends with a dot"
  const parts = value.split("/")
  if (parts.some((part) => part === "")) return "it has an empty part between slashes"
  if (parts.some((part) => part.startsWith("."))) return "a part of it begins with a dot"
  if (parts.some((part) => part.endsWith(".lock"))) return "a part of it ends with .lock"
  return undefined
}
