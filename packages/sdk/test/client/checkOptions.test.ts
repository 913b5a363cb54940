import { describe, expect, test } from "bun:test"
import { tmpdir } from "node:os"
import { createFlowClient, FlowClient, InvalidOptions } from "@patchmoi/sdk"

const cwd = tmpdir()

describe("an option that is not what it must be is told by its name, and nothing is opened", () => {
  const wrong: ReadonlyArray<readonly [unknown, string, RegExp]> = [
    [undefined, "", /Expected an object, found nothing/],
    [{}, "mode", /expected "local" or "http", found nothing/],
    [{ mode: "remote" }, "mode", /expected "local" or "http", found "remote"/],
    [{ mode: "local", cwd: "/there/is/no/such/folder" }, "cwd", /the path of a folder/],
    [{ mode: "local", cwd: 7 }, "cwd", /found 7/],
    [{ mode: "local", cwd, roots: "flows" }, "roots", /a list of paths/],
    [{ mode: "local", cwd, env: [] }, "env", /an object of variables/],
    [
      { mode: "local", cwd, state: { kind: "fil", dataDir: "x" } },
      "state",
      /\{ kind: "file" \| "sqlite", dataDir\? \}/
    ],
    [{ mode: "local", cwd, state: "file" }, "state", /found "file"/],
    [
      { mode: "local", cwd, state: { kind: "file", datadir: "x" } },
      "state",
      /found \{"kind":"file","datadir":"x"\}/
    ],
    [{ mode: "local", cwd: `${import.meta.path}/below` }, "cwd", /the path of a folder/],
    [{ mode: "local", cwd: "a\0b" }, "cwd", /the path of a folder/],
    [{ mode: "local", cwd: "x".repeat(5_000) }, "cwd", /the path of a folder/],
    [{ mode: "local", cwd, env: ["TOKEN=geheim"] }, "env", /found a list$/],
    [{ mode: "local", cwd, concurrency: 0 }, "concurrency", /a whole number above 0/],
    [{ mode: "local", cwd, stat: "memory" }, "stat", /did you mean state\?/]
  ]
  for (const [options, field, message] of wrong) {
    test((JSON.stringify(options) ?? "nothing at all").slice(0, 120), async () => {
      // Programs without types pass anything.
      const opened = FlowClient.open(options as never)
      await expect(opened).rejects.toMatchObject({ _tag: "InvalidOptions", field })
      await expect(opened).rejects.toThrow(message)
      await expect(opened).rejects.toBeInstanceOf(InvalidOptions)
    })
  }

  test("a client that is made without opening tells it at its first call", async () => {
    const client = createFlowClient({ mode: "local", cwd: "/there/is/no/such/folder" })
    await expect(client.listFlows()).rejects.toMatchObject({ _tag: "InvalidOptions", field: "cwd" })
    await client.close()
  })
})
