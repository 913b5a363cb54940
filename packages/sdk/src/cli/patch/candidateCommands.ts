/** The commands of `patchmoi patch` that are about a candidate: check it, verify it, publish it. */
import { buildCommand } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, commonOptions, flag, option, optionalArgument, options } from "../options.ts"
import type { CommonFlags } from "../Session.ts"
import type { PatchCheckFlags, PatchPublishFlags } from "./flags.ts"

export const check = buildCommand<PatchCheckFlags, [string?], CliContext>({
  docs: {
    brief: "Run the checks on a candidate, beside bare upstream",
    fullDescription:
      "Runs the checks of .patchmoi.toml in a temporary work tree: on bare upstream first, then on the candidate. What fails on upstream as well is said to, and is not blamed on the fork. What fails on the candidate alone is searched for by halving, until the patch is found that breaks it. Answers are kept by tree, command and toolchain, and are not asked for again. Exit code 1 when the candidate is red, 10 when upstream is red as well."
  },
  parameters: {
    flags: {
      ...commonOptions,
      run: options(
        "Run this command instead of those in .patchmoi.toml; may be given several times",
        "command"
      ),
      tree: options(
        "Run this command in an empty folder, with GIT_DIR and PATCHMOI_TREE set; may be given several times",
        "command"
      ),
      toolchain: options(
        "A command whose output is part of the question, such as 'node --version'; may be given several times",
        "command"
      ),
      env: options(
        "A variable that checks get, and whose value is part of the question; may be given several times",
        "name"
      ),
      noCache: flag("Run everything anew, and tell which answers have changed"),
      noControl: flag("Do not run on bare upstream"),
      noSearch: flag("Do not look for the patch that breaks a check")
    },
    positional: {
      kind: "tuple",
      parameters: [optionalArgument("The candidate: a branch, a tag or a commit (default: HEAD)", "ref")]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchCheck())
})

const candidateArgument = {
  kind: "tuple",
  parameters: [argument("The candidate: a branch, a tag or a commit", "ref")]
} as const

export const verify = buildCommand<CommonFlags, [string], CliContext>({
  docs: {
    brief: "Build a candidate again from what its note says, and compare",
    fullDescription:
      "Reads the candidate's note under refs/notes/patchmoi, builds the stack again from the inputs that it names, and compares the ids. No ref is moved. Exit code 0 when they are the same, 1 when they differ, 10 when nobody can tell from here: there is no note, or a commit is missing."
  },
  parameters: { flags: commonOptions, positional: candidateArgument },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchVerify())
})

export const publish = buildCommand<PatchPublishFlags, [string], CliContext>({
  docs: {
    brief: "Push a candidate to the fork's remote, as a whole or not at all",
    fullDescription:
      "Pushes a candidate as a branch, as a release tag or both, with its note, in one atomic push. Each ref is held to what the plan saw; a remote that has moved since refuses all of it. What a branch loses is kept at the remote as the tag patchmoi/before/<branch>/<commit>. A name that upstream has as a tag is never pushed, and upstream's own commit never as a release. The gate CODEX_FLOW_PUBLISH has to be open, and push = false in .patchmoi.toml forbids it. Exit code 1 when nothing was published."
  },
  parameters: {
    flags: {
      ...commonOptions,
      remote: option("The remote to push to (default: origin)", "remote"),
      upstream: option(
        "The remote whose names are taken (default: upstream, or the only other remote)",
        "remote"
      ),
      tag: option("The release tag (default: none)", "tag"),
      branch: option("The branch (default: the candidate's own name)", "branch"),
      noNotes: flag("Leave the candidate's note here"),
      dryRun: flag("Show the plan and send nothing"),
      yes: flag("Publish whatever the plan is"),
      approve: option("Publish if the plan has this id, which --dry-run printed", "plan")
    },
    positional: candidateArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.patchPublish())
})
