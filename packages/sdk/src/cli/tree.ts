/** The tree of commands: noun, then verb. Everything that it loads is what help and completions need, and no more. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { attemptCommands } from "./attempt/commands.ts"
import { cascadeCommands } from "./cascade/commands.ts"
import { type CliContext, type CommandMap, lazily } from "./command.ts"
import { eventCommands } from "./event/commands.ts"
import { flowCommands } from "./flow/commands.ts"
import { logCommands } from "./log/commands.ts"
import { commonOptions } from "./options.ts"
import { patchCommands } from "./patch/commands.ts"
import { runCommands } from "./run/commands.ts"
import type { CommonFlags } from "./Session.ts"
import { serveCommand } from "./serve/command.ts"
import { tokenCommands } from "./serve/tokenCommands.ts"
import { watchCommand } from "./watch/command.ts"

/** The name of the program. */
export const programName = "patchmoi"

/** The shells for which there are completions. */
const shells = ["bash", "zsh", "fish"] as const

type Noun =
  | "serve"
  | "flow"
  | "watch"
  | "event"
  | "run"
  | "attempt"
  | "patch"
  | "cascade"
  | "log"
  | "token"
  | "completions"

const completions = buildCommand<CommonFlags, [(typeof shells)[number]], CliContext>({
  docs: {
    brief: "Print completions for a shell",
    fullDescription: `Prints completions for a shell. For bash: source <(${programName} completions bash)`
  },
  parameters: {
    flags: commonOptions,
    positional: {
      kind: "tuple",
      parameters: [
        {
          placeholder: "shell",
          brief: shells.join(", "),
          parse: (input) => {
            const shell = shells.find((each) => each === input)
            if (shell !== undefined) return shell
            throw new Error(`must be one of ${shells.join(", ")}; found ${JSON.stringify(input)}`)
          },
          proposeCompletions: () => shells
        }
      ]
    }
  },
  loader: lazily(async () => {
    const { printCompletions } = await import("./completions/print.ts")
    return { run: (session, _flags, shell) => printCompletions(session, shell, programName, commandTree) }
  })
})

/** All commands. */
export const commandTree: CommandMap = buildRouteMap<Noun, CliContext>({
  routes: {
    serve: serveCommand,
    flow: flowCommands,
    watch: watchCommand,
    event: eventCommands,
    run: runCommands,
    attempt: attemptCommands,
    patch: patchCommands,
    cascade: cascadeCommands,
    log: logCommands,
    token: tokenCommands,
    completions
  },
  docs: { brief: "Watches upstream, runs flows, carries patches over, and keeps the record of it." }
})
