/** The commands about conflicts: `patchmoi patch resolve`, `continue`, `abort`, and `patchmoi patch resolution …`. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, choice, commonOptions, flag, option, optionalArgument } from "../options.ts"
import type { CommonFlags } from "../Session.ts"
import type {
  PatchAbortFlags,
  PatchContinueFlags,
  PatchResolveFlags,
  ResolutionCacheFlags,
  ResolutionRemoteFlags
} from "./flags.ts"

const authorOption = option(
  "Who decided: Name <address> (default: user.name and user.email of git)",
  "author"
)
const remoteOption = option("The remote (default: the remote of the fork)", "name")

const resolve = buildCommand<PatchResolveFlags, [string?], CliContext>({
  docs: {
    brief: "Open the first conflict of a rebuild in a work tree",
    fullDescription:
      "Rebuilds, and opens the first conflict in a work tree of its own, with conflict markers and an index that has the three versions; exit code 10. Edit the files there, mark each with git add (or git rm for no file), then: patchmoi patch continue. The own checkout stays untouched. With a patch, only the patches up to it are carried over, and no branch is moved. One conflict is open at a time."
  },
  parameters: {
    flags: {
      ...commonOptions,
      onto: option("The upstream tag, branch or commit (default: the upstream branch)", "ref"),
      to: option("The branch to move to the result in the end (default: candidate/<onto>)", "branch"),
      force: flag("Move the branch of --to although it exists and is not a candidate"),
      dir: option("The folder of the work tree, new or empty (default: one inside the git folder)", "dir"),
      carryLanded: flag("Carry patches on that upstream holds already, and do not look for them"),
      reuse: choice("Stored resolutions: use and name them (the default), or do not", ["label", "never"]),
      dryRun: flag("Only tell which conflict would be opened")
    },
    positional: {
      kind: "tuple",
      parameters: [optionalArgument("The last patch to carry over (default: all)", "patch")]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchResolve())
})

const continue_ = buildCommand<PatchContinueFlags, [], CliContext>({
  docs: {
    brief: "Take the resolution of the open conflict, and go on with the rebuild",
    fullDescription:
      "Takes the files of the open conflict as they lie in its work tree, stores them as resolutions under refs/patchmoi/resolutions, and goes on with the rebuild: to the end, which moves the branch, or to the next conflict; exit code 10. A path that git still has as unmerged, a file with conflict markers, and a changed file that is not in conflict are named, and nothing is stored then; exit code 10."
  },
  parameters: {
    flags: {
      ...commonOptions,
      author: authorOption,
      how: choice("How it was decided (default: hand)", ["hand", "agent", "tool"]),
      note: option("Why, for whoever reviews it", "text"),
      dryRun: flag("Only tell what would be stored")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchContinue())
})

const abort = buildCommand<PatchAbortFlags, [], CliContext>({
  docs: {
    brief: "Give the open conflict up",
    fullDescription:
      "Removes the work tree of the open conflict and everything that is kept about it. Works whatever a crash left. Resolutions that were stored stay; no branch was moved."
  },
  parameters: { flags: { ...commonOptions, dryRun: flag("Only tell what would be removed") } },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchAbort())
})

const list = buildCommand<CommonFlags, [], CliContext>({
  docs: { brief: "List the stored resolutions, newest first" },
  parameters: { flags: commonOptions },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionList())
})

const pull = buildCommand<ResolutionRemoteFlags, [], CliContext>({
  docs: {
    brief: "Fetch the resolutions of a remote, and merge them",
    fullDescription:
      "Fetches refs/patchmoi/resolutions of a remote and merges it: what either side has is kept. What is no resolution there is not taken over, and told."
  },
  parameters: { flags: { ...commonOptions, remote: remoteOption } },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionPull())
})

const push = buildCommand<ResolutionRemoteFlags, [], CliContext>({
  docs: {
    brief: "Push the stored resolutions to a remote",
    fullDescription:
      "Pushes refs/patchmoi/resolutions, merged with what the remote has. The remote's ref only moves forward."
  },
  parameters: { flags: { ...commonOptions, remote: remoteOption } },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionPush())
})

const importCommand = buildCommand<ResolutionCacheFlags, [], CliContext>({
  docs: {
    brief: "Take over what git rerere remembers about the stored conflicts",
    fullDescription:
      "Looks for each stored conflict into rr-cache, where git rerere keeps what was decided in somebody's rebase, and stores what it finds as resolutions."
  },
  parameters: {
    flags: { ...commonOptions, author: authorOption, dryRun: flag("Only tell what would be stored") }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionImport())
})

const exportCommand = buildCommand<PatchAbortFlags, [], CliContext>({
  docs: {
    brief: "Let git rerere know the stored resolutions",
    fullDescription:
      "Writes the stored resolutions of contents into rr-cache, so that git rerere uses them in a rebase of one's own (git config rerere.enabled true). What rr-cache has already is left as it is."
  },
  parameters: { flags: { ...commonOptions, dryRun: flag("Only tell what would be written") } },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionExport())
})

const delete_ = buildCommand<ResolutionCacheFlags, [string], CliContext>({
  docs: {
    brief: "Delete a stored resolution",
    fullDescription: "Deletes a stored resolution. The history of the ref keeps it."
  },
  parameters: {
    flags: { ...commonOptions, author: authorOption, dryRun: flag("Delete nothing") },
    positional: { kind: "tuple", parameters: [argument("The id of the resolution", "id")] }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.resolutionDelete())
})

const resolution = buildRouteMap<"list" | "pull" | "push" | "import" | "export" | "delete", CliContext>({
  routes: { list, pull, push, import: importCommand, export: exportCommand, delete: delete_ },
  docs: { brief: "The stored resolutions of conflicts" }
})

/** The commands by their words. */
export const resolveCommands = { resolve, continue: continue_, abort, resolution }
