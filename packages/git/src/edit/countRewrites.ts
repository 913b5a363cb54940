/** How often patches were rewritten: earlier tips that nothing later stands on. */
import * as Effect from "effect/Effect"
import { withoutNumber } from "../contract/patchNames.ts"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import { type PlannedPatch, stackCommitsMax } from "../patch/PatchPlan.ts"
import { type Repository, readRefs } from "../Repository.ts"
import type { Stack } from "./Stack.ts"

/** Entries of reflogs that are read for all patches together. */
const reflogEntriesMax = 20_000

/**
 * Replaced tips by the name of the patch. They are known from the branch's reflog and from what edits have kept; what an
 * earlier tip was built into, and what is upstream's, does not count. A clone knows no reflog, and counts less.
 */
export const countRewrites = Effect.fnUntraced(function* (given: {
  readonly stack: Stack
  readonly planned: ReadonlyArray<PlannedPatch>
}) {
  const { stack, planned } = given
  const earlier = yield* readEarlierTips(stack)
  const known = yield* readParents(stack, [...new Set([...earlier.values()].flatMap((tips) => [...tips]))])
  return new Map(
    planned.map(({ name, commits, base, tip }) => {
      const kept = new Set<string>([tip, base, ...commits])
      const tips = [...(earlier.get(withoutNumber(name)) ?? [])].filter((each) => known.has(each))
      const covered = new Set(tips.flatMap((each) => ancestorsOf(known, each)))
      return [name, tips.filter((each) => !kept.has(each) && !covered.has(each)).length] as const
    })
  )
})

// --- internal ---

/** Every value that a patch branch is known to have had, by the name without its number. */
const readEarlierTips = ({ repository, patches, prefix }: Stack) =>
  Effect.gen(function* () {
    const git = yield* Git
    const tips = new Map<string, Set<ObjectId>>()
    const add = (name: string, tip: string) => {
      const key = withoutNumber(name)
      if (isObjectId(tip)) tips.set(key, (tips.get(key) ?? new Set()).add(tip))
    }
    for (const [ref, tip] of yield* readRefs({ repository, patterns: [`refs/patchmoi/before/${prefix}`] })) {
      add(ref.slice("refs/patchmoi/before/".length, ref.lastIndexOf("/")), tip)
    }
    if (patches.length === 0) return tips
    const output = yield* git.run({
      args: [
        "-c",
        "log.showSignature=false",
        "log",
        "--walk-reflogs",
        "--no-patch",
        `--max-count=${reflogEntriesMax}`,
        "--format=%gD %H",
        ...patches.map(({ name }) => `refs/heads/${name}`),
        "--"
      ],
      cwd: repository.directory,
      // A reflog may name commits that are gone; what was listed before them counts.
      okExitCodes: [0, 128]
    })
    for (const line of linesOf(output.stdout)) {
      const [, name = "", tip = ""] = /^refs\/heads\/(.+)@\{.*\} ([0-9a-f]+)$/.exec(line) ?? []
      add(name, tip)
    }
    return tips
  })

/** Parents of what the tips reach above upstream. Commits that are gone, and upstream's, are absent. */
const readParents = ({ repository, upstream }: Stack, tips: ReadonlyArray<ObjectId>) =>
  Effect.gen(function* () {
    const parents = new Map<string, ReadonlyArray<string>>()
    const present = yield* presentCommits(repository, tips)
    if (present.length === 0) return parents
    const git = yield* Git
    const output = yield* git.run({
      args: ["rev-list", "--parents", `--max-count=${stackCommitsMax}`, "--stdin"],
      cwd: repository.directory,
      stdin: `${[...present, ...upstream.map((commit) => `^${commit}`)].join("\n")}\n`
    })
    for (const line of linesOf(output.stdout)) {
      const [commit = "", ...rest] = line.split(" ")
      parents.set(commit, rest)
    }
    return parents
  })

const presentCommits = (repository: Repository, tips: ReadonlyArray<ObjectId>) =>
  Effect.map(readObjectSizes({ repository, names: tips }), (sizes) =>
    tips.filter((_, at) => sizes[at]?.type === "commit")
  )

/** What the commit stands on, without itself, as far as it is above upstream. */
const ancestorsOf = (
  parents: ReadonlyMap<string, ReadonlyArray<string>>,
  tip: string
): ReadonlyArray<string> => {
  const found = new Set<string>()
  const open = [...(parents.get(tip) ?? [])]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue
    found.add(next)
    open.push(...(parents.get(next) ?? []))
  }
  return [...found]
}
