/** One thing with its properties, one a line: names to the left, values to the right. */
import type { Session } from "../Session.ts"
import { oneLine, pad, widthOf } from "./width.ts"

/** A name and its value; a line without a value is left out. */
export type Fact = readonly [name: string, value: string | number | undefined]

/** Prints the facts. On a terminal the values stand in one column; elsewhere name and value are parted by a tab. */
export const printFacts = (session: Session, facts: ReadonlyArray<Fact>): void => {
  const shown = facts.filter(([, value]) => value !== undefined && value !== "")
  const width = Math.max(0, ...shown.map(([name]) => widthOf(name)))
  for (const [name, value] of shown) {
    const text = oneLine(String(value))
    session.print(
      session.forPeople ? `${session.styles.dim(pad(name, width))}  ${text}\n` : `${name}\t${text}\n`
    )
  }
}

/** Prints the name of what follows, with an empty line before it; nothing when a program reads. */
export const printHeading = (session: Session, title: string): void => {
  if (session.forPeople) session.print(`\n${session.styles.bold(title)}\n`)
}
