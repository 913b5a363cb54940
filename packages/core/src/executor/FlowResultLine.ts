/**
 * Finds the result of a step in what it prints: the last line that begins with `FLOW_RESULT `
 * (docs/reference/flow-result.md).
 *
 * 1. Text arrives in pieces of any size; where it is cut never changes what is found.
 * 2. Memory is bounded by {@link flowResultLengthMax}, however much is printed.
 * 3. The last marker line decides, also when it is bad: an earlier good one does not stand in for it,
 *    because the step meant to replace it.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { FlowResult, ResultStatus } from "../flow/FlowResult.ts"
import { isDeeperThan } from "../internal/isDeeperThan.ts"

/** What a result line begins with, the space included. */
export const flowResultMarker = "FLOW_RESULT "

/** Longest result line, in UTF-16 code units, marker included (1 MiB). A longer one is a {@link FlowResultInvalid}. */
export const flowResultLengthMax = 1_048_576

/** Deepest nesting of objects and arrays in a result: what keeps and reads it recurs. */
export const flowResultDepthMax = 500

/** How much of a bad line an error quotes, in UTF-16 code units. */
export const flowResultQuoteLengthMax = 200

/** The step printed no line that begins with the marker. */
export class FlowResultMissing extends Schema.TaggedError<FlowResultMissing>("patchmoi/FlowResultMissing")(
  "FlowResultMissing",
  {}
) {
  override get message() {
    return "Step did not emit FLOW_RESULT"
  }
}

/** The last line that begins with the marker is not a result. */
export class FlowResultInvalid extends Schema.TaggedError<FlowResultInvalid>("patchmoi/FlowResultInvalid")(
  "FlowResultInvalid",
  {
    /** What is wrong, such as `FLOW_RESULT must be a JSON object`. */
    reason: Schema.String,
    /** The first {@link flowResultQuoteLengthMax} characters of what followed the marker. */
    quote: Schema.String
  }
) {
  override get message() {
    return `${this.reason}. The line begins: ${flowResultMarker}${this.quote}`
  }
}

/** What is known after some of the output; {@link concludeScan} reads it. */
export interface FlowResultScan {
  /** The unfinished line, as long as it may become, or is, a marker line; empty at the start of a line. */
  readonly pending: string
  /** Whether the rest of the unfinished line is of no interest. */
  readonly skipping: boolean
  /** The last finished marker line, cut at {@link flowResultLengthMax} + 1. */
  readonly last: string | undefined
}

/** Nothing printed yet. */
export const emptyScan: FlowResultScan = { pending: "", skipping: false, last: undefined }

/** Takes in the next piece of standard output. */
export const scanText = (scan: FlowResultScan, text: string): FlowResultScan => {
  const lastBreak = text.lastIndexOf("\n")
  if (lastBreak === -1) return extendLine(scan, text)
  const firstBreak = text.indexOf("\n")
  const first = finishLine(extendLine(scan, text.slice(0, firstBreak)))
  const last = lastMarkerLine(text, firstBreak, lastBreak) ?? first
  return extendLine({ pending: "", skipping: false, last }, text.slice(lastBreak + 1))
}

/**
 * The result, once the output has ended. A last line without a line break counts.
 *
 * - `FlowResultMissing`: there was no marker line.
 * - `FlowResultInvalid`: the last one is too long, is no JSON, or is no result.
 */
export const concludeScan = (
  scan: FlowResultScan
): Either.Either<FlowResult, FlowResultMissing | FlowResultInvalid> => {
  const line = finishLine(scan)
  if (line === undefined) return Either.left(new FlowResultMissing())
  const text = line.slice(flowResultMarker.length).trim()
  return Either.mapLeft(
    readResult(line, text),
    (reason) => new FlowResultInvalid({ reason, quote: text.slice(0, flowResultQuoteLengthMax) })
  )
}

/** The result in a whole text: {@link scanText} and {@link concludeScan} in one. */
export const parseFlowResult = (
  text: string
): Either.Either<FlowResult, FlowResultMissing | FlowResultInvalid> => concludeScan(scanText(emptyScan, text))

// --- internal ---

/** Adds text without a line break to the unfinished line. */
const extendLine = (scan: FlowResultScan, text: string): FlowResultScan => {
  if (scan.skipping || text === "") return scan
  // A rope: nothing is copied until the line ends, so that a line that comes byte by byte stays linear.
  const pending = scan.pending + text
  if (pending.length > flowResultLengthMax) {
    return isMarkerLine(pending)
      ? { pending: pending.slice(0, flowResultLengthMax + 1), skipping: true, last: scan.last }
      : { pending: "", skipping: true, last: scan.last }
  }
  const undecided = scan.pending.length < flowResultMarker.length
  return undecided && !mayBeMarkerLine(pending)
    ? { pending: "", skipping: true, last: scan.last }
    : { pending, skipping: false, last: scan.last }
}

/** The last marker line, when the unfinished line ends here. */
const finishLine = (scan: FlowResultScan): string | undefined =>
  isMarkerLine(scan.pending) ? scan.pending : scan.last

/** The last marker line among the whole lines between two line breaks of the text. */
const lastMarkerLine = (text: string, firstBreak: number, lastBreak: number): string | undefined => {
  const at = text.lastIndexOf(`\n${flowResultMarker}`, lastBreak - 1)
  if (at < firstBreak) return undefined
  const end = text.indexOf("\n", at + 1)
  return text.slice(at + 1, Math.min(end, at + 2 + flowResultLengthMax))
}

const isMarkerLine = (line: string): boolean => line.startsWith(flowResultMarker)

const mayBeMarkerLine = (line: string): boolean => isMarkerLine(line) || flowResultMarker.startsWith(line)

const decodeResult = Schema.decodeUnknownEither(FlowResult, { errors: "all" })

/** The result, or what is wrong with it. */
const readResult = (line: string, text: string): Either.Either<FlowResult, string> => {
  if (line.length > flowResultLengthMax) {
    return Either.left(
      `FLOW_RESULT is longer than ${flowResultLengthMax} characters; write large data to a file and name the file in artifacts`
    )
  }
  return Either.flatMap(readJson(text), (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return Either.left("FLOW_RESULT must be a JSON object")
    }
    if (isDeeperThan(value, flowResultDepthMax)) {
      return Either.left(`FLOW_RESULT nests objects and arrays deeper than ${flowResultDepthMax}`)
    }
    const status: unknown = "status" in value ? value.status : undefined
    if (!Schema.is(ResultStatus)(status)) return Either.left(explainStatus(status))
    return Either.mapLeft(decodeResult(value), explainFields)
  })
}

const readJson = (text: string): Either.Either<unknown, string> =>
  Either.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => `FLOW_RESULT is not JSON (${cause instanceof Error ? cause.message : String(cause)})`
  })

const explainStatus = (status: unknown): string =>
  `FLOW_RESULT status is invalid: expected one of ${ResultStatus.literals.join(", ")}; found ${
    status === undefined ? "none" : (JSON.stringify(status) ?? "none").slice(0, flowResultQuoteLengthMax)
  }`

const expectedOfField = new Map([
  ["message", "a string"],
  ["artifacts", "an object"],
  ["next", "an array"]
])

const explainFields = (error: ParseResult.ParseError): string => {
  const fields = ParseResult.ArrayFormatter.formatErrorSync(error).map((issue) => String(issue.path[0]))
  const wrong = [...new Set(fields)].map(
    (field) => `${field} must be ${expectedOfField.get(field) ?? "JSON"}`
  )
  return `FLOW_RESULT has a field of the wrong type: ${wrong.join(", ")}`
}
