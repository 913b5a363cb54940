import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import {
  concludeScan,
  emptyScan,
  flowResultLengthMax,
  parseFlowResult,
  scanText
} from "../../src/executor/FlowResultLine.ts"
import { ResultStatus } from "../../src/flow/FlowResult.ts"

const pieces = (text: ReadonlyArray<string>) => concludeScan(text.reduce(scanText, emptyScan))

const messageOf = (text: string): string =>
  Either.match(parseFlowResult(text), { onLeft: (error) => error.message, onRight: () => "a result" })

const resultOf = (text: string): unknown => Either.getOrThrow(parseFlowResult(text))

const completed = 'FLOW_RESULT {"status":"completed"}'

describe("which line counts", () => {
  test.each(ResultStatus.literals.map((status) => [status]))("status %s", (status) =>
    expect(resultOf(`FLOW_RESULT {"status":"${status}"}\n`)).toEqual({ status })
  )
  test("the last one, with noise around it", () =>
    expect(resultOf(`noise\n${completed}\nmore\nFLOW_RESULT {"status":"changed"}\ntrailing\n`)).toEqual({
      status: "changed"
    }))
  test("a last line without a line break", () =>
    expect(resultOf(`a\n${completed}`)).toEqual({ status: "completed" }))
  test("carriage return and line feed", () =>
    expect(resultOf(`a\r\n${completed}\r\nb\r\n`)).toEqual({ status: "completed" }))
  test("a marker inside a line does not", () =>
    expect(messageOf(`here: ${completed}\n`)).toBe("Step did not emit FLOW_RESULT"))
  test("a marker without its space does not", () =>
    expect(messageOf('FLOW_RESULTS {"status":"completed"}\nFLOW_RESULT')).toBe(
      "Step did not emit FLOW_RESULT"
    ))
  test("no output", () => expect(messageOf("")).toBe("Step did not emit FLOW_RESULT"))
  test("a bad last one hides an earlier good one", () =>
    expect(messageOf(`${completed}\nFLOW_RESULT {\n`)).toStartWith("FLOW_RESULT is not JSON ("))
  test("fields that patchmoi does not know are kept", () =>
    expect(
      resultOf('FLOW_RESULT {"status":"completed","seconds":3,"artifacts":{"a":[1]},"next":[{"type":"t"}]}')
    ).toEqual({ status: "completed", seconds: 3, artifacts: { a: [1] }, next: [{ type: "t" }] }))
})

describe("what is wrong with a line", () => {
  test("JSON syntax, quoting the first 200 characters", () => {
    const message = messageOf(`FLOW_RESULT {"status":${"x".repeat(500)}`)
    expect(message).toEndWith(`The line begins: FLOW_RESULT {"status":${"x".repeat(190)}`)
  })
  test("text after the JSON", () =>
    expect(messageOf(`${completed} done`)).toStartWith("FLOW_RESULT is not JSON ("))
  test.each([["[]"], ["null"], ["3"], ['"completed"']])("not an object: %s", (json) =>
    expect(messageOf(`FLOW_RESULT ${json}`)).toBe(
      `FLOW_RESULT must be a JSON object. The line begins: FLOW_RESULT ${json}`
    )
  )
  test("an unknown status names the six", () =>
    expect(messageOf('FLOW_RESULT {"status":"done"}')).toStartWith(
      'FLOW_RESULT status is invalid: expected one of skipped, completed, changed, needs_intervention, blocked, failed; found "done".'
    ))
  test("no status", () => expect(messageOf("FLOW_RESULT {}")).toContain("; found none."))
  test("fields of the wrong type are named", () =>
    expect(messageOf('FLOW_RESULT {"status":"failed","message":1,"artifacts":[],"next":{}}')).toStartWith(
      "FLOW_RESULT has a field of the wrong type: message must be a string, artifacts must be an object, next must be an array."
    ))
  test("a result that nests too deep to be kept", () => {
    const nested = (levels: number) =>
      `FLOW_RESULT {"status":"completed","artifacts":{"a":${"[".repeat(levels)}1${"]".repeat(levels)}}}\n`
    expect(messageOf(nested(150_000))).toStartWith("FLOW_RESULT nests objects and arrays deeper than 500.")
    expect(Either.isRight(parseFlowResult(nested(498)))).toBe(true)
    expect(Either.isRight(parseFlowResult(nested(499)))).toBe(false)
  })
  test("a line that is too long, in one piece and in many", () => {
    const line = `FLOW_RESULT {"status":"failed","message":"${"m".repeat(flowResultLengthMax)}"}\n`
    expect(messageOf(line)).toStartWith(`FLOW_RESULT is longer than ${flowResultLengthMax} characters`)
    const many = line.match(/[\s\S]{1,1000}/g) ?? []
    expect(Either.flip(pieces(many)).pipe(Either.getOrThrow).message).toStartWith(
      "FLOW_RESULT is longer than"
    )
    expect(Either.getOrThrow(pieces([...many, completed]))).toEqual({ status: "completed" })
  })
})

describe("pieces", () => {
  test("where the text is cut changes nothing", () => {
    const line = FastCheck.constantFrom(
      completed,
      'FLOW_RESULT {"status":"blocked"}',
      "FLOW_RESULT nonsense",
      "FLOW",
      " FLOW_RESULT {}",
      "",
      "x\r"
    )
    const text = FastCheck.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"))
    const cuts = FastCheck.array(FastCheck.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 })
    FastCheck.assert(
      FastCheck.property(text, cuts, (text, lengths) => {
        const parts: Array<string> = []
        let at = 0
        for (const length of lengths) {
          parts.push(text.slice(at, at + length))
          at += length
        }
        expect(pieces([...parts, text.slice(at)])).toEqual(parseFlowResult(text))
        expect(parseFlowResult(text)).toEqual(byHand(text))
      }),
      { numRuns: 500 }
    )
  })
  test("a result of 1 MiB that comes character by character stays linear", () => {
    const text = `FLOW_RESULT {"status":"changed","message":"${"m".repeat(1_000_000)}"}\n`
    const started = performance.now()
    expect(Either.getOrThrow(pieces([...text])).status).toBe("changed")
    // Quadratic copying would take minutes; linear work takes about a tenth of a second.
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})

/** The rule said plainly: split, keep the last line that begins with the marker, parse that one alone. */
const byHand = (text: string) =>
  parseFlowResult(text.split("\n").findLast((line) => line.startsWith("FLOW_RESULT ")) ?? "")
