/** Hashes are the same whoever makes them: what was written on one runtime is looked up on another. */
import { expect, test } from "bun:test"
import { digest128, hexHashOf, hexHashOfAnywhere } from "../../src/internal/digest.ts"

const texts = ["", "a", "é…𝄞", "\ud800 half a pair", "x".repeat(100_000), "\u0000\n"]

test("the hash of the runtime is the hash of anywhere", () => {
  expect(texts.map(hexHashOf)).toEqual(texts.map(hexHashOfAnywhere))
  expect(hexHashOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
})

test("a digest tells parts from each other, also by where they end", () => {
  expect(digest128(["ab", "c"])).not.toBe(digest128(["a", "bc"]))
  expect(digest128(["\ud800"])).not.toBe(digest128(["\udfff"]))
  expect(digest128(["a"])).toMatch(/^[0-9a-f]{32}$/)
})
