/**
 * A gate is one check of the house that a machine can make. `scripts/verify.ts` runs the list; adding a check means adding
 * one value of this type to that list.
 */

export interface Gate {
  /** A few words, shown on the gate's line. */
  readonly name: string
  readonly run: (house: House) => Promise<Outcome>
}

/** Where the gates work. */
export interface House {
  /** Absolute path of the repository. */
  readonly root: string
  /** Arguments given to verify, handed to `bun test` (for instance a file to test). */
  readonly testArguments: ReadonlyArray<string>
}

export interface Outcome {
  readonly passed: boolean
  /** A few words for the gate's line, for instance how much was checked. */
  readonly note: string
  /** Shown in full when the gate failed. */
  readonly output: string
  /** Only from gates that run tests. A gate without it that fails counts as one failure. */
  readonly tests?: TestCount
}

export interface TestCount {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The outcome of a check that lists what is wrong; an empty list is a pass. */
export const outcomeOf = (problems: ReadonlyArray<string>, note: string): Outcome => ({
  passed: problems.length === 0,
  note: problems.length === 0 ? note : `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`,
  output: problems.join("\n")
})
