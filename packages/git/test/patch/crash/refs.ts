/** The refs that the crash sweep moves together, and what they point to. */
import * as Effect from "effect/Effect"
import { openRepository, readRefs } from "../../../src/Repository.ts"

/** One branch and one ref elsewhere: git stores them in two files. */
export const crashRefs = ["refs/heads/candidate/v2", "refs/patchmoi/test/v2"]

export const refsNow = (directory: string) =>
  Effect.flatMap(openRepository({ directory }), (repository) => readRefs({ repository, patterns: crashRefs }))
