/**
 * `cascade.toml`: into which repositories a published version is written, and how.
 *
 *     name = "runtime"                 file = ".runtime-version"     message, mode, probe, concurrency, attempts,
 *     [author] name, email             timeout_ms, token_env, event_type
 *     [[targets]] url, branch, enabled, forge, workflow, mode, token_env
 *
 * A wrong value refuses the file with every problem at once; an unknown key is a warning. The file is the operator's: no
 * target can change what is done to it. docs/reference/cascade-toml.md has every key.
 */
import * as Schema from "effect/Schema"
import type { RefName } from "../GitName.ts"
import type { ConfigIssue } from "../topology/ConfigIssue.ts"

/** Longest accepted file, in bytes. */
export const cascadeConfigBytesMax = 1024 * 1024

/** Targets of one cascade. */
export const targetsMax = 2_000

/** Most targets that may be worked on at once. */
export const concurrencyMax = 64
/** Targets that are worked on at once where the file says nothing. */
export const concurrencyDefault = 16

/** Most tries for one target in one run, the first one included. */
export const attemptsMax = 20
/** Tries for one target in one run where the file says nothing, the first one included. */
export const attemptsDefault = 3

/** Least time for everything that is done about one target, in milliseconds: 1 second. */
export const targetMillisMin = 1_000
/** Most of it, in milliseconds: 1 hour. */
export const targetMillisMax = 3_600_000
/** That time where the file says nothing, in milliseconds: 1 minute. */
export const targetMillisDefault = 60_000

/** The path of the version file where the file says nothing. */
export const versionFileDefault = ".runtime-version"
/** The commit message where the file says nothing. */
export const messageDefault = "chore: pin runtime to <version> (<name> cascade)"
/** The variable with the credential where the file says nothing. */
export const tokenEnvDefault = "DISPATCH_TOKEN"

/** How a target is told: by a commit, by the forge's API, or by the API where the forge was seen to offer it. */
export const CascadeMode = Schema.Literal("push", "dispatch", "auto")
export type CascadeMode = typeof CascadeMode.Type

/** What answers at the address of a target; `git` is a server without an API that we know. */
export const ForgeKind = Schema.Literal("github", "gitea", "forgejo", "git")
export type ForgeKind = typeof ForgeKind.Type

/** A downstream repository. */
export interface CascadeTarget {
  /** What git is told. */
  readonly url: string
  /** The repository that the address means: the same for two spellings of one address. */
  readonly repository: string
  /** Names the target in reports and in the record: the address, and `#branch` where one is set. */
  readonly id: string
  /** The full ref; `null` for the branch that the remote names as its default. */
  readonly branch: RefName | null
  readonly enabled: boolean
  readonly forge: ForgeKind
  /** The workflow file that `dispatch` starts on Gitea and Forgejo; `null` when none is set. */
  readonly workflow: string | null
  readonly mode: CascadeMode
  /** The environment variable that holds the credential. */
  readonly tokenEnv: string
}

/** The file's meaning. */
export interface CascadeConfig {
  /** Where the settings come from. */
  readonly source: string
  readonly name: string
  /** The path of the version file in every target. */
  readonly file: string
  readonly targets: ReadonlyArray<CascadeTarget>
  readonly author: { readonly name: string; readonly email: string }
  /** With the placeholders `<version>` and `<name>`. */
  readonly message: string
  /** A path by which a target opts in besides having the file; `null` when only the file counts. */
  readonly probe: string | null
  /** The `event_type` of a repository dispatch. (Default: the name of the cascade.) */
  readonly eventType: string
  readonly concurrency: number
  readonly attempts: number
  readonly targetMillis: number
  /** The base address of `owner/name` targets, from `GITEA_URL`. */
  readonly giteaUrl: string | null
  /** Keys that mean nothing here, with a suggestion where one is near. */
  readonly warnings: ReadonlyArray<ConfigIssue>
}

/** The trailer by which a write of a cascade is known in a target's history. */
export const cascadeTrailer = "Patchmoi-Cascade"

/** The whole commit message for a version: the message, an empty line, the trailer. */
export const commitMessageOf = (config: Pick<CascadeConfig, "message" | "name">, version: string): string => {
  const subject = config.message.replaceAll("<version>", version).replaceAll("<name>", config.name)
  return `${subject.trimEnd()}\n\n${cascadeTrailer}: ${config.name}\n`
}

/** Whether a commit message carries the trailer of the cascade, in its last paragraph. */
export const hasCascadeTrailer = (message: string, name: string): boolean => {
  const lastParagraph =
    message
      .trimEnd()
      .split(/\r?\n\s*\r?\n/)
      .at(-1) ?? ""
  return lastParagraph
    .split("\n")
    .some((line) => line.trim().toLowerCase() === `${cascadeTrailer}: ${name}`.toLowerCase())
}
