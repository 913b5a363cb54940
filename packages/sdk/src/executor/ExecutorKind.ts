/** The executors of this machine, by the names that operators give. Imports nothing. */

/** `bun`: each step is a process group. `systemd-run`: each step is a transient unit of the user manager, with its limits. */
export type ExecutorKind = "bun" | "systemd-run"

/** Every name that `CODEX_FLOW_BACKEND_EXECUTOR` and `--executor` take. `direct` is what older back-ends call `bun`. */
export const executorNames = ["bun", "systemd-run", "direct"] as const

/** The executor of a name; undefined for a name that there is not. */
export const executorKindOf = (name: string): ExecutorKind | undefined =>
  name === "direct" ? "bun" : name === "bun" || name === "systemd-run" ? name : undefined
