/**
 * The Effect language service's rules over `packages/<name>/src`, `flows` and `examples` in full, and over tests and
 * scripts in a lighter form (tsconfig.json says which).
 *
 * The service is known to answer "Checked 0 files, 0 errors" with exit code 0 when it does not see its configuration. So
 * the gate first runs it, with this repository's own configuration, over seeded violations that it must find.
 */
import { mkdir, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { localProgram, runCommand } from "./command.ts"
import { effectRuleSeeds, type Seed } from "./effectRuleSeeds.ts"
import type { Gate } from "./gate.ts"

export const effectRulesGate: Gate = {
  name: "effect rules",
  run: async ({ root }) => {
    const missed = await missedSeeds(root, effectRuleSeeds)
    if (missed.length > 0) return { passed: false, note: "seeds were not found", output: missed.join("\n") }
    const result = await diagnose(root, root, "text")
    const files = Number(/Checked (\d+) files out of \d+/.exec(result.output)?.[1] ?? 0)
    return {
      passed: result.exitCode === 0 && files > 0,
      note:
        result.exitCode === 0
          ? `${files} files, ${effectRuleSeeds.length} seeds`
          : `exit code ${result.exitCode}`,
      output: result.output
    }
  }
}

/**
 * One sentence for each seed whose findings are not exactly what it promises. The seeds are written below `.cache`, so that
 * their imports of `effect` lead to the workspace's copy, with a copy of its tsconfig.json, so that the paths mean the same.
 */
export const missedSeeds = async (
  root: string,
  seeds: ReadonlyArray<Seed>
): Promise<ReadonlyArray<string>> => {
  const folder = `${root}/.cache/effect-rules.${process.pid}`
  try {
    for (const seed of seeds) {
      await mkdir(dirname(`${folder}/${seed.path}`), { recursive: true })
      await Bun.write(`${folder}/${seed.path}`, seed.text)
    }
    await Bun.write(`${folder}/tsconfig.json`, Bun.file(`${root}/tsconfig.json`))
    const result = await diagnose(root, folder, "json")
    const found = foundRules(result.stdout)
    return seeds.flatMap((seed) => {
      const rules = found.get(`${folder}/${seed.path}`) ?? []
      const expected = [...seed.finds].sort().join(", ")
      return [...new Set(rules)].sort().join(", ") === expected
        ? []
        : [
            `${seed.path}: expected ${expected || "nothing"}, found ${rules.join(", ") || "nothing"}\n${result.stderr}`
          ]
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const diagnose = (root: string, project: string, format: "json" | "text") =>
  runCommand(
    [
      localProgram(root, "effect-tsgo"),
      "diagnostics",
      "--strict",
      "--project",
      `${project}/tsconfig.json`,
      "--format",
      format
    ],
    { cwd: project }
  )

/** The names of the rules that reported something, by absolute path. */
const foundRules = (json: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const report: { readonly diagnostics: ReadonlyArray<{ readonly file: string; readonly name: string }> } =
    JSON.parse(json)
  return new Map(
    Object.entries(Object.groupBy(report.diagnostics, ({ file }) => file)).map(([file, entries]) => [
      file,
      (entries ?? []).map(({ name }) => name)
    ])
  )
}
