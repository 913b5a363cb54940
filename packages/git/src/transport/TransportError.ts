/**
 * What can go wrong between this machine and a repository somewhere else, each by what it says about the next step.
 *
 * No error carries a credential: URLs are shown without user names and passwords, headers never. What a server or a
 * hook said is kept in `said`, without control characters and at most `saidLengthMax` long.
 */
import * as Schema from "effect/Schema"

/** Longest text of a server that an error carries, in UTF-16 units. */
export const saidLengthMax = 2_000

/** The branch is no longer where it was read. Nothing was written; read again and decide again. */
export class StaleHead extends Schema.TaggedError<StaleHead>("git/StaleHead")("StaleHead", {
  url: Schema.String,
  ref: Schema.String,
  said: Schema.String
}) {
  override get message(): string {
    return `${this.ref} of ${this.url} moved since it was read (${this.said}); read it again`
  }
}

/** The server takes only commits that build on what it has, and says that this one does not. Nothing was written. */
export class NotFastForward extends Schema.TaggedError<NotFastForward>("git/NotFastForward")(
  "NotFastForward",
  { url: Schema.String, ref: Schema.String, said: Schema.String }
) {
  override get message(): string {
    return `${this.url} refused a commit for ${this.ref} that is not on top of it (${this.said}); read it again`
  }
}

/** A hook of the server declined the push. Nothing was written; the hook's own words say what it wants. */
export class HookDeclined extends Schema.TaggedError<HookDeclined>("git/HookDeclined")("HookDeclined", {
  url: Schema.String,
  ref: Schema.String,
  said: Schema.String
}) {
  override get message(): string {
    return `${this.url} declined the push to ${this.ref}: ${this.said}`
  }
}

/** The branch is protected against these credentials. Nothing was written. */
export class ProtectedBranch extends Schema.TaggedError<ProtectedBranch>("git/ProtectedBranch")(
  "ProtectedBranch",
  { url: Schema.String, ref: Schema.String, said: Schema.String }
) {
  override get message(): string {
    return `${this.ref} of ${this.url} is protected: ${this.said}; allow this account to push there, or name another branch`
  }
}

/** The credentials are missing, wrong, or not enough for this: statuses 401 and 403, and what ssh refuses. */
export class AuthenticationFailed extends Schema.TaggedError<AuthenticationFailed>(
  "git/AuthenticationFailed"
)("AuthenticationFailed", { url: Schema.String, said: Schema.String }) {
  override get message(): string {
    return `${this.url} did not accept the credentials: ${this.said}; check that the token is set, valid and may write there`
  }
}

/** There is no such repository, or these credentials may not know of it. */
export class RepositoryNotFound extends Schema.TaggedError<RepositoryNotFound>("git/RepositoryNotFound")(
  "RepositoryNotFound",
  { url: Schema.String }
) {
  override get message(): string {
    return `${this.url} was not found; check the address, and that the token may read it`
  }
}

/** The repository is archived: it can be read and takes no push. */
export class RepositoryArchived extends Schema.TaggedError<RepositoryArchived>("git/RepositoryArchived")(
  "RepositoryArchived",
  { url: Schema.String }
) {
  override get message(): string {
    return `${this.url} is archived and takes no push; remove it from the targets, or take it out of the archive`
  }
}

/** The repository has no commit, or none on its default branch, and does not say which branch that is. */
export class EmptyRepository extends Schema.TaggedError<EmptyRepository>("git/EmptyRepository")(
  "EmptyRepository",
  { url: Schema.String }
) {
  override get message(): string {
    return `${this.url} has no commit on its default branch; push a first commit to it, or name a branch`
  }
}

/** Another status than the ones that have an error of their own. */
export class HttpStatus extends Schema.TaggedError<HttpStatus>("git/HttpStatus")("HttpStatus", {
  url: Schema.String,
  status: Schema.Int,
  said: Schema.String,
  /** Whether a push was on its way: it is then unknown whether the branch moved. */
  afterSend: Schema.Boolean
}) {
  override get message(): string {
    return `${this.url} answered with status ${this.status}${this.said === "" ? "" : ` (${this.said})`}${unknownOutcome(this.afterSend)}`
  }
}

/** No answer, or half of one: refused, unknown host, dropped, too late. */
export class Unreachable extends Schema.TaggedError<Unreachable>("git/Unreachable")("Unreachable", {
  url: Schema.String,
  detail: Schema.String,
  /** Whether a push was on its way: it is then unknown whether the branch moved. */
  afterSend: Schema.Boolean
}) {
  override get message(): string {
    return `${this.url} cannot be reached: ${this.detail}${unknownOutcome(this.afterSend)}`
  }
}

/** The server, or the repository, lacks something that is needed and has no other way. */
export class ProtocolUnsupported extends Schema.TaggedError<ProtocolUnsupported>("git/ProtocolUnsupported")(
  "ProtocolUnsupported",
  { url: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `${this.url} cannot be used this way: ${this.detail}`
  }
}

/** An answer that git's protocol does not allow: a login page, garbage, a damaged pack. */
export class ProtocolBroken extends Schema.TaggedError<ProtocolBroken>("git/ProtocolBroken")(
  "ProtocolBroken",
  {
    url: Schema.String,
    detail: Schema.String,
    /** Whether a push was on its way: it is then unknown whether the branch moved. */
    afterSend: Schema.Boolean
  }
) {
  override get message(): string {
    return `${this.url} gave an answer that is not git's: ${this.detail}${unknownOutcome(this.afterSend)}`
  }
}

/** An answer, a file or a folder is larger than its limit. */
export class AnswerTooLarge extends Schema.TaggedError<AnswerTooLarge>("git/AnswerTooLarge")(
  "AnswerTooLarge",
  { url: Schema.String, what: Schema.String, bytesMax: Schema.Int }
) {
  override get message(): string {
    return `${this.what} of ${this.url} is larger than ${this.bytesMax} bytes`
  }
}

/** An address that is not used: with a password in it, of an unknown kind, or one that leads elsewhere. Nothing was sent there. */
export class UnusableUrl extends Schema.TaggedError<UnusableUrl>("git/UnusableUrl")("UnusableUrl", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.url} is not a usable address: ${this.reason}`
  }
}

/** A path that cannot hold a file in this commit. Nothing was sent. */
export class UnusablePath extends Schema.TaggedError<UnusablePath>("git/UnusablePath")("UnusablePath", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `${JSON.stringify(this.path.slice(0, 200))} cannot be written: ${this.reason}`
  }
}

/** Everything that a transport may fail with. */
export const TransportError = Schema.Union(
  StaleHead,
  NotFastForward,
  HookDeclined,
  ProtectedBranch,
  AuthenticationFailed,
  RepositoryNotFound,
  RepositoryArchived,
  EmptyRepository,
  HttpStatus,
  Unreachable,
  ProtocolUnsupported,
  ProtocolBroken,
  AnswerTooLarge,
  UnusableUrl,
  UnusablePath
)
export type TransportError = typeof TransportError.Type

/** Tells whether a push that failed so may have moved the branch all the same: read before trying again. */
export const mayHaveMoved = (error: TransportError): boolean => "afterSend" in error && error.afterSend

// --- internal ---

const unknownOutcome = (afterSend: boolean): string =>
  afterSend ? "; whether the branch moved is unknown, read it again" : ""
