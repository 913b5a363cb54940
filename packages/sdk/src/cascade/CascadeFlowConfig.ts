/**
 * What the operator allows a cascade flow: its `[config]` table, with the gates `CODEX_FLOW_*` over it. An event names the
 * version and nothing else; a key that is not known refuses the whole table.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

const path = Schema.String.pipe(Schema.minLength(1), Schema.maxLength(4096))
const flag = Schema.optionalWith(Schema.Boolean, { default: () => false })

/** The `[config]` table, as it is written in `flow.toml`. */
export const CascadeFlowConfig = Schema.Struct({
  /** The path of `cascade.toml`, relative to the workspace. */
  cascade: Schema.optionalWith(path, { default: () => "cascade.toml" }),
  /** The folder of remembered heads, relative to the workspace. */
  memory: Schema.optionalWith(path, { default: () => ".codex/cascade-heads" }),
  /** The only package that this flow is for. (Default: any.) */
  package: Schema.optional(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(256))),
  /** Write into the targets. Without it the flow only tells what it would do. */
  push: flag,
  allow_downgrade: flag,
  override_pins: flag
})
export type CascadeFlowConfig = typeof CascadeFlowConfig.Type

/** The operator's table cannot be used. Nothing was done. */
export class CascadeFlowConfigInvalid extends Schema.TaggedError<CascadeFlowConfigInvalid>(
  "sdk/CascadeFlowConfigInvalid"
)("CascadeFlowConfigInvalid", { issues: Schema.Array(Schema.String) }) {
  override get message(): string {
    return `The [config] of the flow cannot be used: ${this.issues.join("; ")}; put it right in flow.toml`
  }
}

/** Reads the table; `CODEX_FLOW_PUSH`, when it is set, wins over `push`. `CascadeFlowConfigInvalid`. */
export const readFlowConfig = Effect.fn("CascadeFlowConfig.read")(function* (table: unknown) {
  const config = yield* Schema.decodeUnknown(CascadeFlowConfig)(table ?? {}, {
    errors: "all",
    onExcessProperty: "error"
  }).pipe(Effect.mapError((error) => new CascadeFlowConfigInvalid({ issues: issuesOf(error) })))
  const found = yield* Effect.option(Config.string("CODEX_FLOW_PUSH"))
  const said = Option.getOrElse(found, () => "")
    .trim()
    .toLowerCase()
  const gated: CascadeFlowConfig =
    said === "" ? config : { ...config, push: ["1", "true", "yes", "on"].includes(said) }
  return gated
})

// --- internal ---

const issuesOf = (error: ParseResult.ParseError): ReadonlyArray<string> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map(
    (issue) => `${issue.path.map(String).join(".") || "the table"}: ${issue.message}`
  )
