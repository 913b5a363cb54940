/** Why a target cannot take a version, other than what a transport says, and what an operator does about each kind. */
import * as Schema from "effect/Schema"
import type { CascadeTarget } from "./CascadeConfig.ts"

/** The target can be read, and what is there is in the way. Nothing was written. */
export class TargetUnusable extends Schema.TaggedError<TargetUnusable>("git/TargetUnusable")(
  "TargetUnusable",
  {
    code: Schema.Literal("NoSuchBranch", "NotAFile", "NotAVersionFile", "LfsPointer"),
    reason: Schema.String
  }
) {
  override get message(): string {
    return this.reason
  }
}

/** The code of an error as reports and the record have it: its tag, or the kind of a `TargetUnusable`. */
export const codeOf = (error: { readonly _tag: string; readonly code?: unknown }): string =>
  typeof error.code === "string" ? error.code : error._tag

/** Longest reason that is reported, in UTF-16 units. */
export const reasonLengthMax = 1_000

/** The message of an error in one bounded text. */
export const reasonOf = (error: { readonly message: string }): string =>
  error.message.slice(0, reasonLengthMax)

/** What the operator does next about a target that failed with this code; the same command is then run again. */
export const nextStepOf = (code: string, target: Pick<CascadeTarget, "tokenEnv">): string =>
  code === "AuthenticationFailed"
    ? `set ${target.tokenEnv} to a token that may write there; an account with two-factor login needs a token, not its password`
    : (nextSteps[code] ?? "see the reason, put it right, and run the same command again")

// --- internal ---

const nextSteps: Readonly<Record<string, string>> = {
  StaleHead: "others write to this branch all the time: run the same command again, or raise attempts",
  NotFastForward: "others write to this branch all the time: run the same command again, or raise attempts",
  HookDeclined: "do what the hook asks for, or let this account past it; then run the same command again",
  ProtectedBranch:
    "let this account push to the branch, or name another branch in cascade.toml; then run the same command again",
  RepositoryNotFound: "put the address right in cascade.toml, or give the token access to it",
  RepositoryArchived: "set enabled = false for this target, or take the repository out of the archive",
  EmptyRepository: "push a first commit to it",
  HttpStatus: "run the same command again when the server is well",
  Unreachable: "run the same command again when the server answers",
  DeadlinePassed: "run the same command again; raise timeout_ms if this server is always this slow",
  ProtocolBroken: "check that the address is that of a git repository and not of a web page",
  ProtocolUnsupported: "use the repository over ssh, or ask for a newer server",
  AnswerTooLarge: "check that the address is that of the repository that is meant",
  UnusableUrl: "put the address right in cascade.toml",
  UnusablePath: "put file right in cascade.toml",
  NoSuchBranch: "put branch right in cascade.toml, or make the branch",
  NotAFile: "put file right in cascade.toml, or make it a regular file in the target",
  NotAVersionFile: "put file right in cascade.toml, or let the file hold one version on one line",
  LfsPointer: "take the version file out of Git LFS (.gitattributes of the target)",
  DispatchRefused: 'see what the forge said; mode = "push" needs no API',
  DispatchUnsupported: 'use mode = "push" for this target'
}
