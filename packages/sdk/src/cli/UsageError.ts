/** The command line is wrong, and nothing was done. Told in one line with a hint, never with a stack; exit code 2. */

export class UsageError extends Error {
  readonly _tag = "UsageError"
  override readonly name = "UsageError"

  constructor(
    message: string,
    /** What is right, for programs: the values that an option takes, the names that are near. */
    readonly facts: Readonly<Record<string, unknown>> = {}
  ) {
    super(message)
  }
}

/** By its tag: a command that is packaged apart throws its own copy of the class. */
export const isUsageError = (error: unknown): error is UsageError =>
  error instanceof Error && "_tag" in error && error._tag === "UsageError"
