/**
 * Real histories: stacks of patches made from a project's own later commits, carried over real releases by the rebuild
 * engine and by `git cherry-pick`, and every tree compared.
 *
 *   bun bench/histories.ts REPOSITORY [--tags BASE,R1,R2,R3,R4,R5] [--sizes 10,50,200] [--files-max 50] [--each]
 *
 * The repository is a clone with its history and its tags; it is only read. The patches stand on BASE. Without `--tags`, six
 * releases are picked. With `--each`, one rebuild per patch, so that a conflict takes nothing else along. Prints a table per project and each patch that came out differently.
 */
import { basename, resolve } from "node:path"
import { parseArgs } from "node:util"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../packages/git/src/GitCli.ts"
import type { PatchBranch } from "../packages/git/src/patch/PatchPlan.ts"
import { isolatedEnvironment } from "../packages/git/src/testing/TempRepo.ts"
import { type CarriedStack, carryBothWays, carryEachBothWays, cellNames } from "./histories/bothWays.ts"
import { countFiles, makeProject, pickTags } from "./histories/clone.ts"
import { makeStack } from "./histories/stack.ts"
import { markdownTable } from "./support/markdown.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tags: { type: "string" },
    each: { type: "boolean", default: false },
    sizes: { type: "string", default: "10,50,200" },
    "files-max": { type: "string", default: "50" }
  }
})
const [source] = positionals
if (source === undefined) throw new TypeError("name the folder of a clone: bun bench/histories.ts REPOSITORY")
const sizes = values.sizes.split(",").map(Number)

/** Every so manieth patch, so that a short stack is spread over the same time as the long one. */
const spread = (patches: ReadonlyArray<PatchBranch>, size: number): ReadonlyArray<PatchBranch> =>
  Array.from(
    { length: Math.min(size, patches.length) },
    (_, at) => patches[Math.floor((at * patches.length) / size)]
  ).filter((patch) => patch !== undefined)

const program = Effect.gen(function* () {
  const tags = values.tags?.split(",") ?? (yield* pickTags(resolve(source)))
  const [baseTag, ...releases] = tags
  if (baseTag === undefined || releases.length === 0) {
    return yield* Effect.dieMessage("there are too few releases")
  }
  const project = yield* makeProject(resolve(source), tags)
  const files = yield* countFiles(project.repo, baseTag)
  const filesMax = Number(values["files-max"])
  const stack = yield* makeStack(project.repo, { base: baseTag, count: Math.max(...sizes), filesMax })
  const { merged, byFile } = stack.origin
  yield* Console.log(
    `${basename(resolve(source))}: ${files} files at ${baseTag}; ${stack.patches.length} patches, ${merged} that apply to it and ${byFile} by file\n`
  )
  const results: Array<CarriedStack> = []
  for (const size of sizes) {
    for (const release of releases) {
      const patches = spread(stack.patches, size)
      const carry = values.each ? carryEachBothWays : carryBothWays
      const result = yield* carry(project, { ...stack, patches, release })
      results.push(result)
      yield* Console.error(result.cells.join(" "))
    }
  }
  const rows = results.map(({ cells }) => cells)
  yield* Console.log(markdownTable(cellNames, rows, 2))
  for (const sentence of results.flatMap(({ differences }) => differences)) yield* Console.log(sentence)
})

await Effect.runPromise(
  Effect.scoped(program).pipe(Effect.provide(layerGitCli({ env: isolatedEnvironment })))
)
