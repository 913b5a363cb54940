/**
 * How the code of a command is found: it is loaded when the command runs, so that help, completions and a wrong command
 * line load neither Effect nor a store.
 */
import type { Command, CommandContext, RouteMap } from "@stricli/core"
import type { Caller } from "./Caller.ts"
import type { ExitCode } from "./exitCodes.ts"
import { beginSession, type CommonFlags, type Session } from "./Session.ts"

/** What the parser hands to a command. */
export interface CliContext extends CommandContext {
  readonly caller: Caller
  /** Told once, when the command has ended. */
  readonly finish: (code: ExitCode) => void
}

/** A noun with its verbs, or the program with its nouns. */
export type CommandMap = RouteMap<CliContext>

/** One command of the tree. */
export type CommandLeaf = Command<CliContext>

/** The code of a command: does it, and says how it ended. What it throws is told as an error. */
export type Run<Flags extends CommonFlags, Args extends ReadonlyArray<unknown> = []> = (
  session: Session,
  flags: Flags,
  ...args: Args
) => ExitCode | Promise<ExitCode>

/** The loader of a command whose module exports `run`. */
export const lazily =
  <Flags extends CommonFlags, Args extends ReadonlyArray<unknown> = []>(
    load: () => Promise<{ readonly run: Run<Flags, Args> }>
  ) =>
  async () => {
    const { run } = await load()
    return async function (this: CliContext, flags: Flags, ...args: Args): Promise<void> {
      this.finish(await run(beginSession(this.caller, flags), flags, ...args))
    }
  }
