/** The API value is for browsers too: nothing behind its door needs a built-in module. */
import { expect, test } from "bun:test"
import { fileURLToPath } from "node:url"

test("@patchmoi/sdk/api bundles for a browser, without a built-in module and without the engine", async () => {
  const entry = fileURLToPath(import.meta.resolve("../../src/api.ts"))
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    metafile: true,
    conditions: ["bun"]
  })
  expect(built.success).toBe(true)
  const inputs = Object.keys(built.metafile?.inputs ?? {})
  expect(inputs.some((path) => path.includes("FlowApi"))).toBe(true)
  expect(inputs.filter((path) => /(^|\/)(node:|bun:)/.test(path))).toEqual([])
  expect(
    inputs.filter((path) =>
      /sdk\/src\/(server|client|daemon|cli|executor)\/|store-|node_modules\/ajv/.test(path)
    )
  ).toEqual([])
  const text = await built.outputs[0]?.text()
  expect(text).not.toMatch(/from\s*"(node|bun):/)
})
