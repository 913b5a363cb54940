/** The commands of `patchmoi patch` that look ahead and compare: `forecast` and `diff`. */
import { buildCommand } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, commonOptions, flag, option, recordOptions } from "../options.ts"
import type { PatchDiffFlags, PatchForecastFlags } from "./flags.ts"

export const forecast = buildCommand<PatchForecastFlags, [], CliContext>({
  docs: {
    brief: "Say how each patch would fare on an upstream commit, released or not",
    fullDescription:
      "Says of each patch whether it is clean, conflicts, or has landed upstream, on an upstream commit, without a checkout. Nothing is fetched, no ref is moved and no object is kept. Where there is a record, the answers are kept in it; exit code 10 when a patch that was clean the last time conflicts now. A record in files that a service writes is only read then. With --history, nothing is tried: the answers that the record holds are shown, and exit code 10 says that a patch turned bad and is not clean since."
  },
  parameters: {
    flags: {
      ...recordOptions,
      onto: option("The upstream tag, branch or commit (default: the upstream branch)", "ref"),
      history: flag("Show the answers that the record holds, the newest first, and try nothing")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchForecast())
})

export const diff = buildCommand<PatchDiffFlags, [string, string], CliContext>({
  docs: {
    brief: "Compare two versions of a patch stack, commit by commit",
    fullDescription:
      "Pairs the commits of two stacks as git range-diff does, and shows what became of each: equal, other surroundings only (context), another message, another change, removed or added. Lines that moved, and lines around a change that upstream changed, are no difference. A stack is what a revision has above upstream; --onto-old and --onto-new name another base."
  },
  parameters: {
    flags: {
      ...commonOptions,
      ontoOld: option("The base of the old stack (default: where it leaves upstream)", "rev"),
      ontoNew: option("The base of the new stack (default: where it leaves upstream)", "rev")
    },
    positional: {
      kind: "tuple",
      parameters: [
        argument("The old stack: a candidate, a branch, a tag or a commit", "old"),
        argument("The new stack", "new")
      ]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchDiff())
})
