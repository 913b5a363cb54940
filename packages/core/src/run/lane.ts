/**
 * Which runs take turns: those of one lane wait for each other in the order of their age, and the lanes of one priority are
 * served in turn, so that a thousand runs of one lane do not hold back the one run of another.
 */
import { digest128 } from "../internal/digest.ts"
import type { RunDocument } from "./RunDocument.ts"

/** Longest text that stands in an index as it is, in UTF-16 code units; a longer one, and one that is not plain ASCII, stands there as a hash. */
const plainLengthMax = 120

/** A text that is short and sorts alike everywhere: itself, or its hash. Different texts give different ones. */
export const boundedKey = (text: string): string =>
  text.length <= plainLengthMax && /^[\x20-\x7e]*$/.test(text) ? text : `#${digest128([text])}`

/** The lane of a run: its concurrency key, or its flow when it has none. */
export const laneOf = (run: Pick<RunDocument, "concurrencyKey" | "flowName">): string =>
  run.concurrencyKey === undefined
    ? `flow ${boundedKey(run.flowName)}`
    : `key ${boundedKey(run.concurrencyKey)}`
