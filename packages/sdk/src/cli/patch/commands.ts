/** `patchmoi patch …`: the patch stack of the repository in which it is called. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { choice, commonOptions, flag, option } from "../options.ts"
import type { CommonFlags } from "../Session.ts"
import { check, publish, verify } from "./candidateCommands.ts"
import { editCommands } from "./editCommands.ts"
import type { PatchDoctorFlags, PatchRebuildFlags } from "./flags.ts"
import { diff, forecast } from "./lookCommands.ts"
import { resolveCommands } from "./resolveCommands.ts"

const doctor = buildCommand<PatchDoctorFlags, [], CliContext>({
  docs: {
    brief: "Say whether the repository is ready for a rebuild, and what is missing",
    fullDescription:
      "Says whether the repository is ready for a rebuild, and what is missing. Reads only, unless --sweep is given. Exit code 1 when it is not ready."
  },
  parameters: {
    flags: {
      ...commonOptions,
      sweep: flag("Remove the folders of objects that stopped rebuilds left behind")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchDoctor())
})

const list = buildCommand<CommonFlags, [], CliContext>({
  docs: { brief: "List the patch branches in the order in which they are applied" },
  parameters: { flags: commonOptions },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchList())
})

const rebuild = buildCommand<PatchRebuildFlags, [], CliContext>({
  docs: {
    brief: "Carry the patches over to a new upstream commit",
    fullDescription:
      "Carries the patches over to an upstream commit, without a checkout, and moves one branch to the result. The work tree is neither read nor written. Stops at the first conflict, moves nothing then, and tells all of it; exit code 10. Where a resolution of the same three versions is stored, it is used and named. With --keep-going, patches that conflict and those that depend on them are left out, the others are carried over, the branch moves to that, and both are listed; exit code 10 as well. Patches that upstream holds already, and those whose contract says that their end has come, are left out with the evidence; one that upstream may have taken in another form is carried on, and named. The branch that is moved is below candidate/ or new; another one needs --force, and what it was is then kept as refs/patchmoi/before/<branch>/<commit>. A patch branch and a branch that is checked out are never moved: exit code 2."
  },
  parameters: {
    flags: {
      ...commonOptions,
      onto: option("The upstream tag, branch or commit (default: the upstream branch)", "ref"),
      to: option("The branch to move to the result (default: candidate/<onto>)", "branch"),
      force: flag("Move the branch of --to although it exists and is not a candidate"),
      dryRun: flag("Move no branch"),
      keepGoing: flag("Leave out what conflicts and what depends on it, and carry over the rest"),
      carryLanded: flag("Carry patches on that upstream holds already, and do not look for them"),
      trailers: flag("Write Patchmoi-Patch with the name of the patch into each commit"),
      event: option("Write Patchmoi-Event with this id into each commit", "id"),
      reuse: choice("Stored resolutions: use and name them (the default), or do not", ["label", "never"])
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchRebuild())
})

/** The commands of the noun. */
export const patchCommands = buildRouteMap<
  | "doctor"
  | "list"
  | "rebuild"
  | "check"
  | "verify"
  | "publish"
  | "forecast"
  | "diff"
  | keyof typeof editCommands
  | keyof typeof resolveCommands,
  CliContext
>({
  routes: {
    doctor,
    list,
    rebuild,
    check,
    verify,
    publish,
    forecast,
    diff,
    ...editCommands,
    ...resolveCommands
  },
  docs: { brief: "The patch stack of a repository" }
})
