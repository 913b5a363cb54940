import { RunId } from "../../src/Ids.ts"
import { PatchStackDocument } from "../../src/patchStack/PatchStackDocument.ts"
import { PatchStackFact } from "../../src/patchStack/PatchStackFact.ts"
import { PatchStacks } from "../../src/patchStack/PatchStacks.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const look = { onto: "u1", ontoName: "upstream/main" } as const
const evidence = [{ kind: "patch-id", commit: "c1", upstream: "u0", detail: "the same change" }] as const
const landed = { patch: "patch/a", tip: "a1", verdict: "landed-identical", evidence } as const
const asked = { patch: "patch/b", tip: "b1", verdict: "landed-modified", evidence: [] } as const
const answers = (a: "clean" | "conflicts" | "landed", tip = "a1") =>
  [
    { patch: "patch/a", tip, answer: a },
    { patch: "patch/b", tip: "b1", answer: "clean", reason: "why not" }
  ] as const

aggregateLaws({
  aggregate: PatchStacks,
  fact: PatchStackFact,
  document: PatchStackDocument,
  key: "git.example/fork",
  facts: [
    { _tag: "PatchVerdictFound", ...look, ...landed },
    { _tag: "PatchVerdictFound", ...look, ...asked, runId: RunId.make("run_1") },
    { _tag: "ForecastMade", ...look, patches: answers("clean") },
    { _tag: "ForecastMade", ...look, onto: "u2", patches: answers("conflicts") },
    { _tag: "ForecastMade", ...look, ontoName: "v2", patches: answers("landed", "a2") },
    { _tag: "ForecastMade", ...look, patches: [] }
  ],
  commands: [
    { _tag: "RecordVerdicts", ...look, verdicts: [landed, asked, landed] },
    { _tag: "RecordVerdicts", ...look, onto: "u2", verdicts: [landed] },
    { _tag: "RecordForecast", ...look, patches: answers("clean") },
    { _tag: "RecordForecast", ...look, onto: "u2", patches: answers("conflicts") },
    { _tag: "RecordForecast", ...look, ontoName: "v2", patches: answers("landed", "a2") },
    { _tag: "RecordForecast", ...look, patches: [] }
  ]
})
