import { SourceDocument, SourceFact, Sources } from "../../src/source/Sources.ts"
import { aggregateLaws } from "../../src/testing/AggregateLaws.ts"

const signal = { title: "v1" }

aggregateLaws({
  aggregate: Sources,
  fact: SourceFact,
  document: SourceDocument,
  key: "s",
  facts: [
    { _tag: "SourcePrimed", entryIds: ["a", "b"] },
    { _tag: "SignalReceived", entryId: "b", signal },
    { _tag: "SignalReceived", entryId: "c", signal },
    { _tag: "EntrySkipped", entryId: "c", reason: "no link" },
    { _tag: "SourcePolled", outcome: "ok", etag: "1" }
  ],
  commands: [
    { _tag: "Prime", entryIds: ["a"] },
    { _tag: "ReceiveSignal", entryId: "a", signal },
    { _tag: "ReceiveSignal", entryId: "b", signal },
    { _tag: "SkipEntry", entryId: "c", reason: "no link" },
    { _tag: "RecordPoll", outcome: "ok", now: 0 },
    { _tag: "RecordPoll", outcome: "failed", error: "HTTP 500", now: 4_000_000 }
  ]
})
