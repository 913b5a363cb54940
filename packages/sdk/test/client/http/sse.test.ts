import { expect, test } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { eventLengthMax, makeSseReader } from "../../../src/client/http/sse.ts"

const text = [
  ": a comment",
  "id: 1",
  "data: one",
  "",
  "id:2\r",
  "event: change\r",
  "data:  two",
  "data: lines",
  "",
  "data: the id stays",
  "",
  "retry: 5",
  "unknown: field",
  "",
  "data",
  "",
  "id: 3",
  "data: cut off"
].join("\n")

const whole = [
  { id: "1", event: "message", data: "one" },
  { id: "2", event: "change", data: " two\nlines" },
  { id: "2", event: "message", data: "the id stays" },
  { id: "2", event: "message", data: "" }
]

test("reads events as the standard says, and never one that is cut off", () => {
  expect(makeSseReader()(text)).toEqual(whole)
})

test("gives the same wherever the pieces are cut, with any line ending", () => {
  FastCheck.assert(
    FastCheck.property(
      FastCheck.array(FastCheck.nat(text.length), { maxLength: 40 }),
      FastCheck.constantFrom("\n", "\r\n", "\r"),
      (cuts, lineEnd) => {
        const sent = text.replaceAll(/\r?\n/g, lineEnd)
        const places = [0, ...cuts.toSorted((left, right) => left - right), sent.length]
        const read = makeSseReader()
        const events = places.slice(1).flatMap((end, index) => read(sent.slice(places[index], end)))
        expect(events).toEqual(whole)
      }
    )
  )
})

test("refuses an event without end", () => {
  const read = makeSseReader()
  const piece = `data: ${"x".repeat(1_048_576)}\n`
  expect(() => {
    for (let length = 0; length <= eventLengthMax; length += piece.length) read(piece)
  }).toThrow("longer than")
})

test("refuses a line without end", () => {
  const read = makeSseReader()
  const piece = "x".repeat(1_048_576)
  read("data: ")
  expect(() => {
    for (let length = 0; length <= eventLengthMax; length += piece.length) read(piece)
  }).toThrow("longer than")
})
