import { expect, test } from "bun:test"
import * as Either from "effect/Either"
import { backendUrlNames, remoteBackendOf } from "../../src/outbox/RemoteTarget.ts"

const target = (fields: object) => ({ mode: "workspace_flow", eventType: "t", ...fields }) as const

const backendOf = (fields: object, variables: Readonly<Record<string, string>> = {}) =>
  Either.getOrThrowWith(remoteBackendOf(target(fields), variables), ({ found }) => new Error(found))

test("the first address that is there counts, and the route for events is taken off", () => {
  const variables: Record<string, string> = {
    A: "http://a/base/events/",
    B: "http://b/flow-events",
    PATCH_WORKSPACE_BACKEND_URL: "http://all-1",
    PATCH_FLOW_BACKEND_URL: "http://all-2",
    PATCH_FLOW_DISPATCH_URL: "https://all-3/events"
  }
  const all = {
    workspaceUrl: "http://one/",
    dispatchUrl: "http://two/events",
    workspaceUrlEnv: "A",
    dispatchUrlEnv: "B"
  }
  const found: Array<string | undefined> = []
  const fields: Partial<typeof all> = { ...all }
  for (const name of ["workspaceUrl", "dispatchUrl", "workspaceUrlEnv", "dispatchUrlEnv"] as const) {
    found.push(backendOf(fields, variables)?.url)
    delete fields[name]
  }
  for (const name of backendUrlNames) {
    found.push(backendOf(fields, variables)?.url)
    delete variables[name]
  }
  found.push(backendOf(fields, variables)?.url)
  expect(found).toEqual([
    "http://one",
    "http://two",
    "http://a/base",
    "http://b",
    "http://all-1",
    "http://all-2",
    "https://all-3",
    undefined
  ])
})

test("the secret is named, never read into the target; an empty variable is not set", () => {
  const url = { workspaceUrl: "http://a" }
  const variables = { OURS: "x", PATCH_WORKSPACE_BACKEND_SECRET: "", PATCH_FLOW_DISPATCH_SECRET: "y" }
  expect(backendOf({ ...url, workspaceSecretEnv: "OURS" }, variables)).toEqual({
    url: "http://a",
    secretEnv: "OURS"
  })
  expect(
    backendOf({ ...url, workspaceSecretEnv: "NONE", dispatchSecretEnv: "OURS" }, variables)?.secretEnv
  ).toBe("OURS")
  expect(backendOf(url, variables)?.secretEnv).toBe("PATCH_FLOW_DISPATCH_SECRET")
  expect(backendOf(url)).toEqual({ url: "http://a" })
})

test("what a target names must be there, and a target that makes no event has no backend", () => {
  expect(() => backendOf({ workspaceUrlEnv: "NONE" }, { PATCH_FLOW_BACKEND_URL: "http://all" })).toThrow(
    "NONE"
  )
  expect(() => backendOf({ workspaceUrl: "http://a", workspaceSecretEnv: "NONE" })).toThrow("NONE")
  expect(() => backendOf({}, { PATCH_FLOW_BACKEND_URL: "wss://all" })).toThrow("a wss:// URL")
  const mirror = { mode: "notify_only", provider: "github", repoFullName: "a/b", branch: "main" } as const
  expect(remoteBackendOf(mirror, { PATCH_FLOW_BACKEND_URL: "http://all" })).toEqual(Either.right(undefined))
  expect(remoteBackendOf(undefined, {})).toEqual(Either.right(undefined))
})
