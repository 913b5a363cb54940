#!/usr/bin/env bun
import { runCommandLine } from "./cli/main.ts"
/** The program `patchmoi`: hands the process to the command line, and its exit code back. No top-level await: it is packaged as byte code. */
import { callerOf } from "./cli/processCaller.ts"

void runCommandLine(callerOf(process), process.argv.slice(2)).then((code) => {
  process.exitCode = code
})
