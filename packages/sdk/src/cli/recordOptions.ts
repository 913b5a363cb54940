/** What a command opens: which record, and what its engine is told. Apart from the opening, which loads the flow service. */
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import type { LocalOptions, StateKind } from "../composeEngine.ts"
import { RunningSteps } from "../executor/RunningSteps.ts"
import type { StepEnvironment } from "../executor/StepEnvironment.ts"
import { recordKind } from "../record/recordKind.ts"
import type { StoreKind } from "../record/storeKinds.ts"
import type { Session } from "./Session.ts"

/** What a command says about its record. */
export interface RecordOptions {
  readonly state: StateKind
  readonly engine?: EngineOptions
  /** Whether steps inherit all of the caller's variables, or the short list of a service. Default: `inherit`. */
  readonly environment?: StepEnvironment["mode"]
  /** Further names that no step gets; more may be put in while the record is open. Default: none. */
  readonly secrets?: ReadonlyArray<string>
  /** Whether the command hands over what is queued for other backends, as a service does. Default: false. */
  readonly handsOver?: boolean
}

/**
 * What the composing room is told of a record that a command opens. The steps that its engine runs are ended at once when the
 * user does not wait for the command to end.
 */
export const localOptions = (session: Session, options: RecordOptions): LocalOptions => ({
  workspaceRoot: session.directory,
  runningSteps: runningStepsOf(session),
  state: options.state,
  handsOver: options.handsOver ?? false,
  environment: {
    mode: options.environment ?? "inherit",
    values: session.caller.env,
    secrets: options.secrets ?? []
  },
  engine: { launchedBy: "patchmoi-cli", ...options.engine }
})

/** The record in a folder, in whatever store it is; `asked` is the kind that the user named. Throws `RecordUnusable`. */
export const recordState = (
  dataDir: string,
  access: "write" | "read",
  asked?: StoreKind
): Extract<StateKind, { readonly dataDir: string }> => ({
  kind: recordKind(dataDir, asked, "file"),
  dataDir,
  access
})

// --- internal ---

const runningStepsOf = (session: Session): RunningSteps => {
  const steps = new RunningSteps()
  session.caller.onKilled(steps.kill)
  return steps
}
