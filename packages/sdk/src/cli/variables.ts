/** The environment variables that the command line reads. An option beats a variable. */

/** Every variable, for the reference and for whoever looks for a name. */
export const variables = {
  DATA_DIR: "The folder of the record, when `--data-dir` is not given.",
  FEED_SOURCES_PATH:
    "The sources file of `watch`, when `--sources` is not given; the secrets that it names reach no step of any command.",
  CODEX_FLOW_BACKEND_CWD: "The workspace, when `--cwd` is not given.",
  CODEX_FLOW_BACKEND_DATA_DIR: "As `DATA_DIR`, which beats it; not for `flow fire`.",
  CODEX_FLOW_BACKEND_HOST: "The address that `serve` listens on, when `--host` is not given.",
  CODEX_FLOW_BACKEND_PORT: "The port that `serve` listens on, when `--port` is not given.",
  CODEX_FLOW_BACKEND_SECRET:
    "The shared secret of `serve`, unless `--secret-env` names another variable. It reaches no step.",
  CODEX_FLOW_BACKEND_EXECUTOR: "What runs the steps of `serve`, when `--executor` is not given.",
  CODEX_FLOW_BACKEND_FORWARD_ENV:
    "Names of variables, with commas between: what `serve` hands on to every step, instead of the list in docs/reference/environment.md, PATH and the gates included.",
  CODEX_FLOW_PUBLISH:
    "The gate of `patch publish`: `1`, `true`, `yes` or `on`. Anything else, and nothing is sent. The flow `maintain-fork` reads it as well.",
  CODEX_FLOW_FORCE:
    "The same words let `patch publish` replace a branch that holds commits which were not pushed from here.",
  GITHUB_EVENT_PATH:
    "The event that started a build, as a forge's runner writes it; for `cascade resolve-version`.",
  INPUT_VERSION: "The version that a person put in; for `cascade resolve-version`.",
  NO_COLOR: "Anything but the empty text: no colours.",
  COLUMNS: "The width of tables, instead of the terminal's."
} as const

export type VariableName = keyof typeof variables

type Variables = Readonly<Record<string, string | undefined>>

/** The value of a variable; one that is set to the empty text counts as absent. */
export const variable = (env: Variables, name: VariableName): string | undefined => {
  const value = env[name]
  return value === "" ? undefined : value
}
