import { CascadeDocument } from "../../src/cascade/CascadeDocument.ts"
import { CascadeFact } from "../../src/cascade/CascadeFact.ts"
import { Cascades } from "../../src/cascade/Cascades.ts"
import { RunId } from "../../src/Ids.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const planned = {
  name: "runtime",
  version: "1.2.3",
  file: ".runtime-version",
  targets: [
    { target: "https://git.example/a", intent: "write", how: "push" },
    {
      target: "https://git.example/b",
      intent: "unreachable",
      how: "push",
      code: "Unreachable",
      reason: "refused"
    },
    { target: "https://git.example/c", intent: "up-to-date", how: "dispatch" },
    { target: "https://git.example/d", intent: "pinned", how: "push" }
  ]
} as const
const raced = {
  target: "https://git.example/a",
  number: 1,
  how: "push",
  outcome: "raced",
  code: "StaleHead"
} as const
const written = {
  target: "https://git.example/a",
  number: 2,
  how: "push",
  outcome: "written",
  commit: "c1"
} as const
const failed = {
  target: "https://git.example/b",
  number: 1,
  how: "push",
  outcome: "failed",
  reason: "refused"
} as const
const stranger = { target: "https://git.example/z", number: 1, how: "push", outcome: "written" } as const

aggregateLaws({
  aggregate: Cascades,
  fact: CascadeFact,
  document: CascadeDocument,
  key: "runtime:1.2.3:1",
  facts: [
    { _tag: "CascadePlanned", ...planned },
    { _tag: "CascadePlanned", ...planned, targets: [], runId: RunId.make("run_1") },
    { _tag: "CascadeTargetTried", ...raced },
    { _tag: "CascadeTargetTried", ...written },
    { _tag: "CascadeTargetTried", ...failed },
    { _tag: "CascadeTargetTried", ...stranger },
    { _tag: "CascadeFinished" }
  ],
  commands: [
    { _tag: "Plan", ...planned },
    { _tag: "RecordTries", tries: [raced, written] },
    { _tag: "RecordTries", tries: [written, raced, stranger] },
    { _tag: "RecordTries", tries: [failed, failed] },
    { _tag: "Finish" }
  ]
})
