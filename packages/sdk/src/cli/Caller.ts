/**
 * Who calls the command line, and all that it may know of the process around it. `bin.ts` makes one of the real process;
 * a test makes one of its own. Nothing else in `cli` reads the environment, the arguments or the terminal.
 */

/** A stream that text is written to. */
export interface Output {
  readonly write: (text: string) => void
  /** Whether a person looks at it: tables, colours and a progress line are for these only. */
  readonly isTerminal: boolean
}

/** The process around the command line. */
export interface Caller {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working folder, absolute; `--cwd` is relative to it. */
  readonly cwd: string
  /** At most this many bytes of standard input, and one more when there are more. */
  readonly readInput: (bytesMax: number) => Promise<Uint8Array>
  readonly stdout: Output
  readonly stderr: Output
  /** Width of the terminal in columns; 0 or absent where there is none that tells. */
  readonly columns: number | undefined
  /**
   * Begins to listen for SIGINT and SIGTERM, and gives a signal that the first of them aborts with an
   * {@link Interruption}. A command that does not ask is ended by them at once, as any program is.
   */
  readonly interruption: () => AbortSignal
  /** What to do when a second signal ends the process at once. */
  readonly onKilled: (action: () => void) => void
}

/** The name of the signal by which a person, or a service manager, asks a command to stop. */
export interface Interruption {
  readonly signal: "SIGINT" | "SIGTERM"
}
