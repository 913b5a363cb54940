/** `patchmoi patch show`, `cost`, `capture`, `split`, `reorder`, `drop`: looking at single patches, and editing the stack. */
import { buildCommand } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, choice, commonOptions, flag, option, options, required } from "../options.ts"
import type {
  PatchCaptureFlags,
  PatchCostFlags,
  PatchDropFlags,
  PatchReorderFlags,
  PatchShowFlags,
  PatchSplitFlags
} from "./flags.ts"

const patchArgument = {
  kind: "tuple",
  parameters: [argument("The patch branch; the prefix may be left out", "patch")]
} as const

const dryRun = flag("Tell what would be done, and move no branch")

const untouched =
  "HEAD, index and work tree stay as they are. A branch that is checked out is never moved, all branches move in one transaction, and what is overwritten is kept under refs/patchmoi. .patchmoi.toml of the repository can forbid it (allowCapture = false)."

const show = buildCommand<PatchShowFlags, [string], CliContext>({
  docs: { brief: "Show a patch: its contract, commits, files and diff" },
  parameters: {
    flags: { ...commonOptions, noDiff: flag("Leave the diff out") },
    positional: patchArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchShow())
})

const cost = buildCommand<PatchCostFlags, [], CliContext>({
  docs: {
    brief: "Tell what each patch costs: age, lines, rewrites, conflicts",
    fullDescription:
      "Tells what each patch costs: days since it was first authored, lines added and removed, how often it was rewritten as far as reflog and kept branches tell, and its conflicts that are stored in the repository. Reads only."
  },
  parameters: {
    flags: {
      ...commonOptions,
      sort: choice("What comes first (default: name)", ["name", "age", "churn", "rewrites", "conflicts"])
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchCost())
})

const capture = buildCommand<PatchCaptureFlags, [string], CliContext>({
  docs: {
    brief: "Record a feature branch as a patch with one commit",
    fullDescription: `Records what a feature branch adds since it left the base as a patch branch with one commit. Nothing to record is no error and moves nothing, also with --force; a conflict is told in full and is exit code 10. ${untouched}`
  },
  parameters: {
    flags: {
      ...commonOptions,
      from: required("The feature branch", "ref"),
      base: option(
        "What the patch stands on (default: the maintained branch, or upstream below its patches)",
        "ref"
      ),
      message: option("The message of the commit (default: patch: <name>)", "text"),
      force: flag("Overwrite the patch branch, and keep what it was"),
      dryRun
    },
    positional: patchArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchCapture())
})

const split = buildCommand<PatchSplitFlags, [string], CliContext>({
  docs: {
    brief: "Make several patches of one, by paths or by commits",
    fullDescription: `Makes several patches of one: by paths with --into, or one for each commit with --commits. A path goes to the first new patch with a glob that meets it, and what none meets to the one that takes the rest. Refused when the new patches together are not what the old one was. ${untouched}`
  },
  parameters: {
    flags: {
      ...commonOptions,
      into: options(
        "A new patch and a glob of its paths; again for more. <name> alone takes the rest",
        "name:glob"
      ),
      commits: flag("One new patch for each commit, named by --into in their order, or numbered"),
      dryRun
    },
    positional: patchArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchSplit())
})

const reorder = buildCommand<PatchReorderFlags, [string], CliContext>({
  docs: {
    brief: "Move a patch to another place in the stack",
    fullDescription: `Moves a patch before or after another one, by another number in its name. Both orders are rebuilt aside first; refused when the result differs. ${untouched}`
  },
  parameters: {
    flags: {
      ...commonOptions,
      before: option("Put it before this patch", "patch"),
      after: option("Put it after this patch", "patch"),
      onto: option("The commit on which both orders are tried (default: the upstream branch)", "ref"),
      force: flag("Move it although the result differs, or cannot be told"),
      dryRun
    },
    positional: patchArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchReorder())
})

const drop = buildCommand<PatchDropFlags, [string], CliContext>({
  docs: {
    brief: "Take a patch out of the stack, and keep its commits",
    fullDescription: `Takes a patch out of the stack, and tells which patches after it may need it. Its commits stay under refs/patchmoi/dropped. ${untouched}`
  },
  parameters: {
    flags: { ...commonOptions, reason: option("Why; kept with the commits", "text"), dryRun },
    positional: patchArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchDrop())
})

/** The commands by their verbs. */
export const editCommands = { show, cost, capture, split, reorder, drop }
