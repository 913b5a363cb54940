import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import { type BuildInputs, resolveVersion } from "../../src/cascade/ResolveVersion.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const resolve = (build: Omit<BuildInputs, "fileName">) =>
  Either.match(resolveVersion({ fileName: ".runtime-version", ...build }), {
    onLeft: (error) => error.message,
    onRight: ({ version, source }) => `${version ?? "-"} ${source}`
  })

const dispatch = JSON.stringify({ action: "runtime", client_payload: { version: "3.0.0" } })
const byHand = JSON.stringify({ inputs: { version: "2.0.0" } })
const push = JSON.stringify({ ref: "refs/heads/main", commits: [] })

describe("the order", () => {
  test.each([
    [{ event: dispatch, input: "2.0.0", file: bytes("1.0.0\n") }, "3.0.0 dispatch"],
    [{ event: push, input: "2.0.0", file: bytes("1.0.0\n") }, "2.0.0 input"],
    [{ event: byHand, file: bytes("1.0.0\n") }, "2.0.0 input"],
    [{ event: byHand, input: "", file: bytes("1.0.0\n") }, "2.0.0 input"],
    [{ event: push, file: bytes("1.0.0\n") }, "1.0.0 file"],
    [{ file: bytes("1.0.0\n") }, "1.0.0 file"],
    [{ event: JSON.stringify({ inputs: { version: "" } }), file: bytes("1.0.0") }, "1.0.0 file"],
    [{ event: push, input: "", file: bytes("\n") }, "- none"],
    [{}, "- none"]
  ])("%#: %p", (build, expected) => expect(resolve(build)).toBe(expected))

  test.each([
    [{ event: JSON.stringify({ client_payload: { version: "1; rm -rf /" } }) }, /client_payload\.version/],
    [{ event: JSON.stringify({ client_payload: { version: 3 } }) }, /must be a text/],
    [{ input: "--help" }, /dash/],
    [{ event: "not json" }, /GITHUB_EVENT_PATH: it is not JSON/],
    [{ file: bytes("1.0.0\n2.0.0\n") }, /one version on one line/]
  ])("%#: what is there and is no version is an error", (build, message) =>
    expect(resolve(build)).toMatch(message)
  )
})
