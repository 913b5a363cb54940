import { describe, expect, test } from "bun:test"
import { makeInvocation } from "@patchmoi/core/testing/ExecutorContractRun"
import * as Either from "effect/Either"
import { isSecretName, makeStepVariables, type StepEnvironment } from "../../src/executor/StepEnvironment.ts"

const values = {
  PATH: "/bin",
  HOME: "/home/me",
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
  CODEX_HOME: "/codex",
  CODEX_FLOW_PUSH: "1",
  CODEX_FLOW_FETCH: "0",
  CODEX_FLOW_RUN_ID: "of an outer run",
  CODEX_FLOW_LAUNCHED_BY: "outer",
  CODEX_FLOW_BACKEND_PORT: "7345",
  PEEZY_CODEX_REPO: "/repo",
  GH_TOKEN: "of the user",
  EDITOR: "ed",
  CODEX_FLOW_BACKEND_SECRET: "s1",
  PATCH_ADMIN_TOKEN: "s2",
  PATCH_WORKSPACE_BACKEND_SECRET: "s3",
  PATCH_FLOW_DISPATCH_SECRET: "s4",
  PATCHMOI_WEBHOOK_SECRET: "s5",
  PATCHMOI_TOKEN: "s6",
  DISCORD_WEBHOOK_URL: "s7",
  ACME_FEED_KEY: "s8",
  ABSENT: undefined
}

const invocation = (env: ReadonlyArray<string> = []) =>
  makeInvocation({ script: "/flow/step.ts", cwd: "/flow" }, { env })

const variablesOf = (mode: StepEnvironment["mode"], env: ReadonlyArray<string> = []) =>
  makeStepVariables({ mode, values, secrets: ["ACME_FEED_KEY"] }, invocation(env))

const { runId, attemptId } = invocation()
const runtime = {
  CODEX_FLOW_EVENT_ID: "event-1",
  CODEX_FLOW_RUN_ID: runId,
  CODEX_FLOW_ATTEMPT_ID: attemptId,
  CODEX_FLOW_REPLAY: "0",
  CODEX_FLOW_LAUNCHED_BY: "outer"
}

describe("service", () => {
  const minimal = {
    PATH: "/bin",
    HOME: "/home/me",
    LANG: "C.UTF-8",
    TMPDIR: "/tmp",
    CODEX_HOME: "/codex",
    CODEX_FLOW_PUSH: "1",
    CODEX_FLOW_FETCH: "0",
    PEEZY_CODEX_REPO: "/repo",
    ...runtime
  }
  test("hands on the short list, the gates and the runtime variables", () =>
    expect(variablesOf("service")).toEqual(Either.right(minimal)))
  test("hands on what the manifest names, where the caller has it", () =>
    expect(variablesOf("service", ["GH_TOKEN", "ABSENT", "NEVER_HEARD_OF"])).toEqual(
      Either.right({ ...minimal, GH_TOKEN: "of the user" })
    ))
})

describe("inherit", () => {
  test("hands on everything but secrets", () => {
    const variables = Either.getOrThrow(variablesOf("inherit"))
    expect(variables).toMatchObject({ EDITOR: "ed", GH_TOKEN: "of the user", ...runtime })
    expect(Object.values(variables).filter((value) => /^s\d$/.test(value))).toEqual([])
  })
})

describe("secrets", () => {
  for (const mode of ["service", "inherit"] as const) {
    test.each([["PATCH_ADMIN_TOKEN"], ["ACME_FEED_KEY"], ["PATCHMOI_WEBHOOK_SECRET"]])(
      `a manifest that asks for one is refused (${mode}): %s`,
      (name) =>
        expect(Either.flip(variablesOf(mode, ["GH_TOKEN", name])).pipe(Either.getOrThrow)).toContain(
          `the step asks for ${name}`
        )
    )
  }
  test.each([
    ["PATCH_X_TOKEN"],
    ["patch_admin_token"],
    ["CODEX_WORKSPACE_BACKEND_SECRET"],
    ["DISCORD_OPS_WEBHOOK_URL"]
  ])("a name of the known shape is one: %s", (name) => expect(isSecretName(name, [])).toBe(true))
  test.each([["PATH"], ["GH_TOKEN"], ["CODEX_FLOW_PUSH"], ["PATCHES"]])("is none: %s", (name) =>
    expect(isSecretName(name, [])).toBe(false)
  )
})

describe("the value of a secret under another name", () => {
  const secret = "a value of some length"
  const variables = (env: ReadonlyArray<string> = [], value = secret) =>
    makeStepVariables(
      {
        mode: "inherit",
        values: { CODEX_FLOW_BACKEND_SECRET: value, COPY: value, EDITOR: "ed" },
        secrets: []
      },
      invocation(env)
    )
  test("is kept from every step", () => {
    expect(Object.values(Either.getOrThrow(variables()))).not.toContain(secret)
    expect(Either.getOrThrow(variables())).toHaveProperty("EDITOR", "ed")
  })
  test("is refused where a manifest asks for it", () => {
    expect(Either.getOrThrow(Either.flip(variables(["COPY"])))).toContain("the step asks for COPY in its env")
  })
  test("is none where it is so short that others have it by chance", () => {
    expect(Either.getOrThrow(variables([], "dev-dev"))).toMatchObject({ COPY: "dev-dev" })
    expect(Either.getOrThrow(variables([], "dev-dev1"))).not.toHaveProperty("COPY")
  })
})

test("what the invocation says wins over what the caller has, replay included", () => {
  const variables = makeStepVariables(
    { mode: "inherit", values: { ...values, CODEX_WORKSPACE_BACKEND_WS_URL: "ws://old" }, secrets: [] },
    { ...invocation(), replay: true, launchedBy: "me", workspaceBackendUrl: "ws://new" }
  )
  expect(Either.getOrThrow(variables)).toMatchObject({
    CODEX_FLOW_REPLAY: "1",
    CODEX_FLOW_LAUNCHED_BY: "me",
    CODEX_WORKSPACE_BACKEND_WS_URL: "ws://new"
  })
})
