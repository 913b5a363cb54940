import { expect, test } from "bun:test"
import * as Either from "effect/Either"
import { parseCascadeConfig } from "../../src/cascade/readConfig.ts"
import { driftOf, parseTargetList, targetListLinesMax } from "../../src/cascade/TargetList.ts"

const config = Either.getOrThrow(
  parseCascadeConfig({
    file: "cascade.toml",
    text: 'name = "x"\ntargets = ["https://git.example/acme/web.git", "git@git.example:acme/api.git", "acme/off"]',
    giteaUrl: "https://forge.example"
  })
)

test("a list that means the same repositories in other words has not drifted", () => {
  const list = Either.getOrThrow(
    parseTargetList({
      list: "LIST",
      text: "# inventory\n\nssh://git@git.example:2222/Acme/Web\nhttps://git.example/acme/api/  # moved\nacme/off\r\n",
      giteaUrl: "https://forge.example/"
    })
  )
  expect(driftOf(config, list)).toEqual({ missing: [], extra: [], common: 3 })
})

test("what is in one of the two only is told", () => {
  const list = Either.getOrThrow(
    parseTargetList({ list: "LIST", text: "https://git.example/acme/web\nhttps://git.example/acme/new\n" })
  )
  expect(driftOf(config, list)).toEqual({
    missing: ["git.example/acme/new"],
    extra: ["forge.example/acme/off", "git.example/acme/api"],
    common: 1
  })
})

test("a line that is no address refuses the list, and lists have a bound", () => {
  const refused = (text: string) =>
    Either.getOrThrow(Either.flip(parseTargetList({ list: "LIST", text }))).message
  expect(refused("https://git.example/a/b\nnot an address")).toStartWith("LIST:2:")
  expect(refused("\n".repeat(targetListLinesMax))).toContain("more than")
  expect(refused("x".repeat(4 * 1024 * 1024 + 1))).toContain("longer than")
})
