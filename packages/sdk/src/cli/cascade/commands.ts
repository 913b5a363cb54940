/** `patchmoi cascade …`: one published version into many downstream repositories. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, commonOptions, flag, option, pageOptions, recordOptions, required } from "../options.ts"
import type {
  CascadeApplyFlags,
  CascadeCheckFlags,
  CascadeConfigFlags,
  CascadePlanFlags,
  CascadeStatusFlags,
  ResolveVersionFlags
} from "./flags.ts"

const configOption = option("The file that names the targets (default: cascade.toml)", "file")
const wishes = {
  allowDowngrade: flag("Go back where a target holds a newer version"),
  overridePins: flag("Write over values that a person set")
}
const versionArgument = {
  kind: "tuple",
  parameters: [argument("The version to write", "version")]
} as const

const plan = buildCommand<CascadePlanFlags, [string], CliContext>({
  docs: {
    brief: "Look at every target and say what would be done",
    fullDescription:
      "Looks at every target and says what would be done. Writes nothing. Exit code 1 when a target cannot be read, 10 when none of these and one is pinned."
  },
  parameters: {
    flags: { ...recordOptions, config: configOption, ...wishes },
    positional: versionArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadePlan())
})

const apply = buildCommand<CascadeApplyFlags, [string], CliContext>({
  docs: {
    brief: "Write a version into every target that needs it",
    fullDescription:
      "Writes a version into every target that needs it: one commit on top of its branch, pushed without force, or one dispatch. A target that holds the version is left alone, so running it again touches only those that failed. Exit code 0 when every target is settled, 1 when some failed, 10 when none failed and one is pinned. Each try is kept in the record; a record in files must not be in use by a service."
  },
  parameters: {
    flags: {
      ...recordOptions,
      config: configOption,
      ...wishes,
      noRecord: flag("Keep no record, and remember no heads")
    },
    positional: versionArgument
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadeApply())
})

const status = buildCommand<CascadeStatusFlags, [string?], CliContext>({
  docs: {
    brief: "Show the cascades of a record, or the last one of a name with its targets",
    fullDescription:
      "Lists the cascades of a record, newest first. With a name, shows every target of its last cascade; exit code 1 when a target was not reached, 10 when one is pinned."
  },
  parameters: {
    flags: { ...recordOptions, ...pageOptions },
    positional: {
      kind: "tuple",
      parameters: [{ ...argument("The name of a cascade", "name"), optional: true }]
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadeStatus())
})

const doctor = buildCommand<CascadeConfigFlags, [], CliContext>({
  docs: {
    brief: "Check every target before the first real run",
    fullDescription:
      "Checks every target before the first real run: reachable, writable with the credentials, which branch, opted in, and a workflow that reads the version file. Writes nothing. Exit code 1 when there is an issue."
  },
  parameters: { flags: { ...commonOptions, config: configOption } },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadeDoctor())
})

const check = buildCommand<CascadeCheckFlags, [], CliContext>({
  docs: {
    brief: "Compare the targets with a list that is kept elsewhere",
    fullDescription:
      "Compares the targets with a list that is kept elsewhere, one repository a line; two spellings of one address are the same. Asks no target. Exit code 1 when they have drifted apart."
  },
  parameters: {
    flags: {
      ...commonOptions,
      config: configOption,
      against: required("The list; - reads standard input", "list")
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadeCheck())
})

const resolveVersion = buildCommand<ResolveVersionFlags, [], CliContext>({
  docs: {
    brief: "In a build: print the version to use",
    fullDescription:
      "For builds in a downstream repository. Prints the version to use: of the dispatch that started the build (GITHUB_EVENT_PATH), else what a person put in (INPUT_VERSION, or the input version), else that in the version file, else nothing, which leaves the build its own default. Exit code 1 when a value is there and is no version."
  },
  parameters: {
    flags: { ...commonOptions, file: option("The version file (default: .runtime-version)", "file") }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.cascadeResolveVersion())
})

/** The commands of the noun. */
export const cascadeCommands = buildRouteMap<
  "plan" | "apply" | "status" | "doctor" | "check" | "resolve-version",
  CliContext
>({
  routes: { plan, apply, status, doctor, check, "resolve-version": resolveVersion },
  docs: { brief: "One version into many repositories" }
})
