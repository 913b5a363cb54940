/** Colours for people, and for nobody else: on a terminal, and only when `NO_COLOR` is not set. */
import type { Caller, Output } from "../Caller.ts"
import { variable } from "../variables.ts"

/** Changes how a text looks. It never changes its width. */
export type Style = (text: string) => string

/** The styles that the command line uses. Without colours each gives its text as it is. */
export interface Styles {
  readonly bold: Style
  readonly dim: Style
  readonly red: Style
  readonly yellow: Style
  readonly green: Style
  readonly cyan: Style
}

/** The styles for a stream of the caller. */
export const stylesOf = ({ env }: Caller, output: Output): Styles =>
  output.isTerminal && variable(env, "NO_COLOR") === undefined && env["TERM"] !== "dumb" ? coloured : plain

/** The colour of a status: what went well, what a person must look at, what failed. */
export const statusStyle = (styles: Styles, status: string): Style => {
  switch (status) {
    case "completed":
    case "changed":
      return styles.green
    case "needs_intervention":
    case "blocked":
      return styles.yellow
    case "failed":
    case "timeout":
    case "lost":
    case "broken":
      return styles.red
    case "running":
    case "started":
      return styles.cyan
    default:
      return styles.dim
  }
}

// --- internal ---

const code =
  (on: number, off: number): Style =>
  (text) =>
    `\u001b[${on}m${text}\u001b[${off}m`

const coloured: Styles = {
  bold: code(1, 22),
  dim: code(2, 22),
  red: code(31, 39),
  yellow: code(33, 39),
  green: code(32, 39),
  cyan: code(36, 39)
}

const asItIs: Style = (text) => text
const plain: Styles = {
  bold: asItIs,
  dim: asItIs,
  red: asItIs,
  yellow: asItIs,
  green: asItIs,
  cyan: asItIs
}
