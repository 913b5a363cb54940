#!/usr/bin/env bun
/** The program `patchmoi`: hands the process to the command line, and its exit code back. No top-level await: it is packaged as byte code. */
import { runCommandLine } from "./cli/main.ts"
import { callerOf } from "./cli/processCaller.ts"

// Everything is written and closed when the code is there: nothing is left to wait for.
export const ended: Promise<never> = runCommandLine(callerOf(process), process.argv.slice(2)).then((code) =>
  process.exit(code)
)
