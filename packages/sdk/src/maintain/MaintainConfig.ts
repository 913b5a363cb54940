/**
 * What the operator allows and asks for: the `[config]` table of the flow, with the gates `CODEX_FLOW_*` over it.
 *
 * 1. Only the operator grants. An event says which fork is meant and nothing else; the fork's own `.patchmoi.toml` can
 *    only forbid.
 * 2. A key that is not known, or a value of the wrong kind, refuses the whole table: a misspelt `push = false` must not
 *    read as a default.
 */
import { ToolchainParts } from "@patchmoi/git/check/Toolchain"
import { checkCommandsMax, checkTimeoutMillisMax } from "@patchmoi/git/topology/PatchmoiConfig"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Remotes that one run may push to. */
export const pushRemotesMax = 20

const name = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(1024))
const path = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(4096))
const flag = (standard: boolean) => Schema.optionalWith(Schema.Boolean, { default: () => standard })
const command = Schema.String.pipe(
  Schema.filter((line) => (line.trim() !== "" && !line.includes("\0")) || "a command line")
)

/** The `[config]` table, as it is written in `flow.toml`. docs/reference/maintain-fork.md has every key. */
export const MaintainConfig = Schema.Struct({
  /** The fork, relative to the workspace, for events that name none. (Default: the workspace.) */
  repository: Schema.optionalWith(path, { default: () => "." }),
  /** The folder that forks named by events must lie in, relative to the workspace. (Default: the workspace.) */
  root: Schema.optionalWith(path, { default: () => "." }),
  /** The only upstream that this flow is for, such as `acme/tool`. (Default: any.) */
  upstream_repo: Schema.optional(name),
  upstream_remote: Schema.optional(name),
  fork_remote: Schema.optional(name),
  target_branch: Schema.optional(name),
  patch_prefix: Schema.optional(name),
  /** Command lines for `/bin/sh`, in order. (Default: none.) */
  checks: Schema.optionalWith(Schema.Array(command).pipe(Schema.maxItems(checkCommandsMax)), {
    default: () => []
  }),
  /** Command lines that only read a tree: they run in an empty folder, with `PATCHMOI_TREE` and `GIT_DIR`. (Default: none.) */
  tree_checks: Schema.optionalWith(Schema.Array(command).pipe(Schema.maxItems(checkCommandsMax)), {
    default: () => []
  }),
  /** Run the checks of the fork's `.patchmoi.toml` and of its patches' contracts as well, after those above. */
  repository_checks: flag(false),
  /** Run the checks on bare upstream first, so that the fork is not blamed for what upstream broke. */
  control_run: flag(true),
  /** Search the patch that makes a check fail. Never without `control_run`. */
  find_bad_patch: flag(true),
  /** What besides the tree decides how checks end. (Default: `PATH` and the platform.) */
  toolchain: Schema.optional(ToolchainParts),
  /** Time of each check, in milliseconds. (Default: what `.patchmoi.toml` says, else 30 minutes.) */
  check_timeout_ms: Schema.optional(Schema.Int.pipe(Schema.between(1, checkTimeoutMillisMax))),
  /** Leave out what upstream holds already, with the evidence. Without it, nobody looks. */
  leave_out_landed: flag(true),
  /** Carry over what can be carried where a patch conflicts. The candidate is then not moved or pushed. */
  keep_going: flag(false),
  /** Answer conflicts with stored resolutions where all three versions are the same. They are labelled. */
  reuse_resolutions: flag(true),
  /** Move and push also what rests on reused resolutions. */
  push_resolved: flag(false),
  /** On a movement of a branch, say how each patch would fare, and build no candidate. */
  forecast_branches: flag(false),
  /** Give rebuilt commits the trailers `Patchmoi-Patch` and `Patchmoi-Event`. */
  trailers: flag(false),
  fetch: flag(true),
  commit: flag(true),
  push: flag(false),
  force: flag(false),
  /** Publish the candidate as a release, in one atomic push to each remote. */
  publish: flag(false),
  /** The release tag at the fork, with `<tag>` for upstream's. Must differ from upstream's names. (Default: none.) */
  publish_tag: Schema.optional(name),
  /** The branch at the remote that the candidate becomes. (Default: the candidate's own name.) */
  publish_branch: Schema.optional(name),
  /** The package that a published release tag is a version of: a `downstream.release` event follows. (Default: none.) */
  publish_package: Schema.optional(name),
  /** Wait until somebody has approved the plan. */
  publish_approval: flag(false),
  move_target: flag(false),
  /** Remotes to push to. (Default: the fork's remote.) */
  push_remotes: Schema.optional(Schema.Array(name).pipe(Schema.minItems(1), Schema.maxItems(pushRemotesMax)))
})
export type MaintainConfig = typeof MaintainConfig.Type

/** The operator's table cannot be used. Nothing was done. */
export class MaintainConfigInvalid extends Schema.TaggedError<MaintainConfigInvalid>(
  "sdk/MaintainConfigInvalid"
)("MaintainConfigInvalid", { issues: Schema.Array(Schema.String) }) {
  override get message(): string {
    return `The [config] of the flow cannot be used: ${this.issues.join("; ")}; put it right in flow.toml`
  }
}

/** Settings that a gate can override, by their name in `[config]`; the gate is `CODEX_FLOW_` and the name in capitals. */
export const gateNames = ["fetch", "commit", "push", "force", "publish"] as const

/**
 * Reads the table and the gates. A gate that is set wins over the table: `1`, `true`, `yes`, `on` in any case mean yes,
 * everything else means no. An empty one counts as not set. `MaintainConfigInvalid`.
 */
export const readMaintainConfig = Effect.fn("MaintainConfig.read")(function* (table: unknown) {
  const config = yield* Schema.decodeUnknown(MaintainConfig)(table ?? {}, {
    errors: "all",
    onExcessProperty: "error"
  }).pipe(Effect.mapError((error) => new MaintainConfigInvalid({ issues: issuesOf(error) })))
  const gates = yield* Effect.forEach(gateNames, (gate) =>
    Effect.map(readGate(gate), (said) => [gate, said ?? config[gate]] as const)
  )
  const gated: MaintainConfig = { ...config, ...Object.fromEntries(gates) }
  return gated
})

// --- internal ---

const readGate = (gate: string): Effect.Effect<boolean | undefined> =>
  Config.string(`CODEX_FLOW_${gate.toUpperCase()}`).pipe(
    Effect.option,
    Effect.map((found) => {
      const value = Option.getOrElse(found, () => "")
        .trim()
        .toLowerCase()
      return value === "" ? undefined : ["1", "true", "yes", "on"].includes(value)
    })
  )

const issuesOf = (error: ParseResult.ParseError): ReadonlyArray<string> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map(
    (issue) => `${issue.path.map(String).join(".") || "the table"}: ${issue.message}`
  )
