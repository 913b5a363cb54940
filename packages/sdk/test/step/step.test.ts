import { describe, expect, test } from "bun:test"
import { mkdtempSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseFlowResult } from "@patchmoi/core/executor/FlowResultLine"
import type { FlowResult as CoreFlowResult } from "@patchmoi/core/flow/FlowResult"
import * as Either from "effect/Either"
import {
  type BunFlow,
  type CandidateRef,
  defineBunFlow,
  type FlowContext,
  type FlowResult,
  type FromJsonSchema,
  workspaceBackendUrlFromContext,
  workspaceFromContext
} from "../../src/step.ts"

/** Compiles only when both types are the same one. */
const same = <A, B>(
  ..._: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : ["the types differ"]
): void => {}

const releaseSchema = {
  type: "object",
  required: ["repo", "tag", "kind"],
  properties: {
    repo: { type: "string", minLength: 1 },
    tag: { type: ["string", "null"] },
    kind: { enum: ["release", "push"] },
    assets: {
      type: "array",
      items: { type: "object", required: ["size"], properties: { size: { type: "integer" } } }
    },
    draft: { type: "boolean" },
    origin: { const: "feed" },
    note: { anyOf: [{ type: "string" }, { type: "number" }] },
    raw: {}
  }
} as const

type Release = FromJsonSchema<typeof releaseSchema>

describe("types", () => {
  test("a payload from a schema literal", () => {
    same<
      Release,
      {
        readonly repo: string
        readonly tag: string | null
        readonly kind: "release" | "push"
        readonly assets?: ReadonlyArray<{ readonly size: number }>
        readonly draft?: boolean
        readonly origin?: "feed"
        readonly note?: string | number
        readonly raw?: unknown
      }
    >()
    same<FromJsonSchema<{ readonly type: "array" }>, ReadonlyArray<unknown>>()
    same<FromJsonSchema<{ readonly type: "object" }>, { readonly [name: string]: unknown }>()
    same<FromJsonSchema<Record<string, never>>, unknown>()
  })
  test("a step typed from the schema, with its config", () => {
    const step = defineBunFlow<Release, { readonly push: boolean }>((context) => {
      same<typeof context, FlowContext<Release, { readonly push: boolean }>>()
      same<typeof context.flow.event.payload.kind, "release" | "push">()
      same<typeof context.flow.config, { readonly push: boolean } | undefined>()
      // @ts-expect-error A payload has no such field.
      expect(context.flow.event.payload.version).toBeUndefined()
      return { status: "completed" }
    })
    same<typeof step, BunFlow<Release, { readonly push: boolean }>>()
    expect(step(contextOf({ repo: "a/b", tag: null, kind: "push" }))).toEqual({ status: "completed" })
  })
  test("a step without types has an unknown payload", () => {
    defineBunFlow(async ({ flow }) => {
      same<typeof flow.event.payload, unknown>()
      return { status: "skipped", seconds: 3 }
    })
    // @ts-expect-error There are six statuses.
    defineBunFlow(() => ({ status: "done" }))
    // @ts-expect-error A candidate needs its ref.
    const candidate: CandidateRef = { kind: "branch" }
    expect(candidate.kind).toBe("branch")
  })
  test("a result of a step is a result of the core", () => {
    const result: FlowResult = {
      status: "changed",
      artifacts: { candidateRefs: ["refs/heads/candidate/v1"] }
    }
    const same: CoreFlowResult = result
    expect(same.status).toBe("changed")
  })
})

const contextOf = (payload: Release): FlowContext<Release, { readonly push: boolean }> => ({
  flow: {
    name: "f",
    version: 1,
    root: "/f",
    step: "s",
    event: { id: "e", type: "t", receivedAt: "2026-01-01T00:00:00.000Z", payload }
  },
  runtime: { eventId: "e", replay: false }
})

test("the back-end's address, where there is one", () => {
  const { runtime } = contextOf({ repo: "a/b", tag: null, kind: "push" })
  expect(workspaceBackendUrlFromContext({ runtime })).toBeUndefined()
  const launched = { ...runtime, workspaceBackendUrl: "ws://127.0.0.1:1" }
  expect(workspaceBackendUrlFromContext({ runtime: launched })).toBe("ws://127.0.0.1:1")
})

test("a raw step reads its context and prints its result on a line of its own, whole, before an exit", async () => {
  const folder = mkdtempSync(join(tmpdir(), "patchmoi-step-"))
  const script = join(folder, "step.ts")
  await Bun.write(
    script,
    `import { emitResult, readFlowContext } from ${JSON.stringify(join(import.meta.dir, "../../src/step.ts"))}
const { flow } = await readFlowContext()
process.stdout.write("half a line")
emitResult({ status: "completed", message: flow.step, large: "x".repeat(500_000) })
process.exit()`
  )
  const child = Bun.spawn([process.execPath, script], {
    stdin: new TextEncoder().encode(JSON.stringify({ flow: { step: "s" } })),
    stdout: "pipe"
  })
  const result = Either.getOrThrow(parseFlowResult(await new Response(child.stdout).text()))
  await rm(folder, { recursive: true, force: true })
  expect(result).toEqual({ status: "completed", message: "s", large: "x".repeat(500_000) })
})

test.each([["step.ts"], ["executor/moduleRunner.ts"]])("%s imports nothing", async (file) => {
  const text = await Bun.file(join(import.meta.dir, "../../src", file)).text()
  const imports = new Bun.Transpiler({ loader: "ts" }).scanImports(text)
  expect(imports).toEqual([])
})

test("the workspace of a flow is the folder above `flows` or `.codex/flows`", () => {
  const workspaceOf = (root: string) => workspaceFromContext({ flow: { root } })
  expect(workspaceOf("/srv/ws/flows/maintain-fork")).toBe("/srv/ws")
  expect(workspaceOf("/srv/ws/.codex/flows/maintain-fork")).toBe("/srv/ws")
  expect(workspaceOf("/srv/ws/my.codex/flows/maintain-fork/")).toBe("/srv/ws/my.codex")
  expect(workspaceOf("/flows/maintain-fork")).toBe("/")
})
