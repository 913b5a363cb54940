import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import { compact } from "../../src/compaction/Compaction.ts"
import { make } from "../../src/store/DriverMemory.ts"
import { compactionContract } from "../../src/testing/CompactionContract.ts"
import { it } from "../../src/testing/effectTest.ts"

compactionContract("the driver in memory", make)

describe("a store that cannot forget", () => {
  it.effect("is named, and what to do instead", () =>
    Effect.gen(function* () {
      const { compaction, ...driver } = yield* make
      const refused = yield* Effect.flip(compact({ ...driver, kind: "file" }, { before: 0 }))
      expect(refused._tag).toBe("CompactionUnsupported")
      expect(refused.message).toContain("Move it to SQLite")
    })
  )
})
