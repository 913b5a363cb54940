/** How a target of a cascade is shown. */
import type { Style, Styles } from "../text/style.ts"

/** The colour of an intent or a status. */
export const cascadeStyle = (styles: Styles, status: string): Style => {
  switch (status) {
    case "written":
    case "dispatched":
    case "completed":
      return styles.green
    case "write":
    case "downgrade":
    case "running":
    case "pending":
      return styles.cyan
    case "pinned":
    case "needs_person":
      return styles.yellow
    case "failed":
    case "unreachable":
    case "raced":
      return styles.red
    default:
      return styles.dim
  }
}

/** The reason, and what to do next. */
export const sayOf = ({ next, reason }: { readonly reason: string; readonly next: string }): string =>
  next === "" ? reason : reason === "" ? next : `${reason}; ${next}`
