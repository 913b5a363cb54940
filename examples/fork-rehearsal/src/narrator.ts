/** How the rehearsal tells its story on the terminal. */

/** Where the story is told. */
export interface Stage {
  readonly write: (line: string) => void
  /** Whether it is a terminal that shows colours. */
  readonly colored: boolean
}

let stage: Stage = { write: () => {}, colored: false }

/** Opens the stage; what was told before went nowhere. */
export const open = (opened: Stage): void => {
  stage = opened
}

const style = (code: number, text: string): string =>
  stage.colored ? `\u001b[${code}m${text}\u001b[0m` : text

let chapters = 0

/** Begins a chapter. */
export const chapter = (title: string): void => {
  chapters += 1
  stage.write(`\n${style(1, `${chapters}. ${title}`)}`)
}

/** Tells one thing. */
export const tell = (text: string): void => stage.write(`   ${text.replaceAll("\n", "\n   ")}`)

/** Tells one thing that went as it should. */
export const good = (text: string): void => tell(`${style(32, "✓")} ${text}`)

/** Tells one thing that a person has to see. */
export const attention = (text: string): void => tell(`${style(33, "!")} ${text}`)

/** Shows a text as it is: a conflict, the output of a step. */
export const quote = (text: string): void => {
  for (const line of text.replace(/\n$/, "").split("\n")) stage.write(`     ${style(2, "│")} ${line}`)
}

/** The rehearsal did not go as it must. Its message is all that a user sees. */
export class RehearsalFailed extends Error {
  override readonly name = "RehearsalFailed"
}

/** Throws unless something is as it must be. */
export function insist(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new RehearsalFailed(otherwise)
}
