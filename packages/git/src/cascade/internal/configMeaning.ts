/** From the keys of `cascade.toml` to what they mean: defaults, addresses, forges, duplicates. */
import * as Either from "effect/Either"
import { parseBranch, shortName } from "../../GitName.ts"
import type { ConfigIssue } from "../../topology/ConfigIssue.ts"
import {
  attemptsDefault,
  type CascadeConfig,
  type CascadeTarget,
  concurrencyDefault,
  type ForgeKind,
  messageDefault,
  targetMillisDefault,
  tokenEnvDefault,
  versionFileDefault
} from "../CascadeConfig.ts"
import { originOf, parseTargetUrl, repositoryOf } from "../TargetUrl.ts"
import { lineOf } from "./configLines.ts"
import type { CascadeFile } from "./configSchema.ts"

interface Source {
  readonly file: string
  readonly text: string
  readonly giteaUrl?: string | undefined
}

/** The author of commits where the file names none. */
const authorDefault = { name: "patchmoi", email: "patchmoi@localhost" }

/** The meaning, or what is wrong with the targets. */
export const configOf = (
  found: CascadeFile,
  source: Source,
  warnings: ReadonlyArray<ConfigIssue>
): Either.Either<CascadeConfig, ReadonlyArray<ConfigIssue>> => {
  const base = giteaUrlIssue(source)
  const read = found.targets.map((target, at) => targetOf(target, at, found, source))
  const targets = read.flatMap((each) => (Either.isRight(each) ? [each.right] : []))
  const issues = [
    ...(base === null ? [] : [base]),
    ...read.flatMap((each) => (Either.isLeft(each) ? [each.left] : [])),
    ...(read.length === targets.length ? duplicates(targets, source) : [])
  ]
  if (issues.length > 0) return Either.left(issues)
  return Either.right({
    source: source.file,
    name: found.name,
    file: found.file ?? versionFileDefault,
    targets,
    author: found.author ?? authorDefault,
    message: found.message ?? messageDefault,
    probe: found.probe ?? null,
    eventType: found.event_type ?? found.name,
    concurrency: found.concurrency ?? concurrencyDefault,
    attempts: found.attempts ?? attemptsDefault,
    targetMillis: found.timeout_ms ?? targetMillisDefault,
    giteaUrl: source.giteaUrl ?? null,
    warnings
  })
}

// --- internal ---

const giteaUrlIssue = ({ file, giteaUrl }: Source): ConfigIssue | null =>
  giteaUrl === undefined || originOf(giteaUrl) !== null
    ? null
    : {
        file,
        line: null,
        field: "GITEA_URL",
        expected: "the http address of a forge in the environment variable",
        found: JSON.stringify(giteaUrl.slice(0, 100))
      }

const targetOf = (
  table: CascadeFile["targets"][number],
  at: number,
  found: CascadeFile,
  source: Source
): Either.Either<CascadeTarget, ConfigIssue> => {
  const problem = (key: string, expected: string, value: string): ConfigIssue => ({
    file: source.file,
    line: lineOf(source.text, ["targets", at, key]),
    field: `targets[${at}].${key}`,
    expected,
    found: value
  })
  return Either.gen(function* () {
    const url = yield* Either.mapLeft(parseTargetUrl(table.url, source.giteaUrl), (invalid) =>
      problem("url", "an https, http, ssh or file address, or owner/name", invalid.message)
    )
    const branch =
      table.branch === undefined
        ? null
        : yield* Either.mapLeft(parseBranch(table.branch), (invalid) =>
            problem("branch", "a branch name", invalid.message)
          )
    const forge = table.forge ?? forgeOf(url)
    const mode = table.mode ?? found.mode ?? "push"
    const workflow = table.workflow ?? workflowOf(found.probe) ?? null
    const dispatchProblem = mode === "dispatch" ? cannotDispatch(url, forge, workflow) : null
    if (dispatchProblem !== null) yield* Either.left(problem("mode", "push or auto", dispatchProblem))
    return {
      url,
      repository: repositoryOf(url),
      id: branch === null ? url : `${url}#${shortName(branch)}`,
      branch,
      enabled: table.enabled ?? true,
      forge,
      workflow,
      mode,
      tokenEnv: table.token_env ?? found.token_env ?? tokenEnvDefault
    }
  })
}

/** GitHub is known by its host; any other http server is taken for a Gitea, which is what `GITEA_URL` speaks of. */
const forgeOf = (url: string): ForgeKind => {
  if (originOf(url) === null) return "git"
  const { hostname } = new URL(url)
  return hostname === "github.com" || hostname.endsWith(".ghe.com") ? "github" : "gitea"
}

/** A marker that is a workflow file is the workflow that a dispatch starts. */
const workflowOf = (probe: string | undefined): string | undefined =>
  probe === undefined
    ? undefined
    : /^\.(?:github|gitea|forgejo)\/workflows\/([\w.@+-]+\.ya?ml)$/.exec(probe)?.[1]

const cannotDispatch = (url: string, forge: ForgeKind, workflow: string | null): string | null => {
  if (originOf(url) === null) return `"dispatch" for ${url}, which is not an http address`
  if (forge === "git") return '"dispatch" for a server of forge "git", which has no API that is known'
  return forge !== "github" && workflow === null
    ? '"dispatch" without a workflow: set workflow to the file that it starts'
    : null
}

const duplicates = (targets: ReadonlyArray<CascadeTarget>, source: Source): ReadonlyArray<ConfigIssue> => {
  const first = new Map<string, number>()
  return targets.flatMap(({ branch, repository }, at): ReadonlyArray<ConfigIssue> => {
    const key = `${repository}#${branch ?? ""}`
    const before = first.get(key)
    if (before === undefined) {
      first.set(key, at)
      return []
    }
    return [
      {
        file: source.file,
        line: lineOf(source.text, ["targets", at, "url"]),
        field: `targets[${at}].url`,
        expected: "a repository and branch that no other target has",
        found: `those of targets[${before}]`
      }
    ]
  })
}
