/**
 * Every architecture rule, run over a house of a few lines that breaks it: a rule that cannot fail is no rule.
 */
import { describe, expect, test } from "bun:test"
import { readModules } from "../../scripts/architecture/house.ts"
import { declaredDependencies } from "../../scripts/architecture/purity.ts"
import { moduleRules } from "../../scripts/architecture/rules.ts"
import { house } from "./house.ts"

describe("a house that is in order breaks no rule", () => {
  const files = house({
    "packages/core/src/index.ts": `import * as Effect from "effect/Effect"\nimport type { A } from "./A.ts"`,
    "packages/core/src/A.ts": `import { sha256 } from "@noble/hashes/sha2.js"`,
    "packages/core/src/testing/kit.ts": `import { test } from "bun:test"`,
    "packages/git/src/index.ts": `import { A } from "@patchmoi/core/A"\nimport { spawn } from "node:child_process"`,
    "packages/sdk/src/index.ts": `import "@patchmoi/git"\nimport "./client/Http.ts"\nimport "./api/Api.ts"`,
    "packages/sdk/src/api/Api.ts": `import "@patchmoi/core"`,
    "packages/sdk/src/client/Http.ts": `import "../api/Api.ts"`,
    "packages/sdk/src/cli/watch.ts": `const daemon = () => import("../daemon/Daemon.ts")`,
    "packages/sdk/src/daemon/Daemon.ts": `import "../index.ts"`,
    "packages/sdk/src/bin.ts": `import "./cli/watch.ts"`,
    "packages/sdk/src/step.ts": `import type { A } from "./index.ts"`,
    "flows/one/step.ts": `import { defineBunFlow } from "@patchmoi/sdk/step"\nimport "./help.ts"`,
    "flows/one/help.ts": "",
    "examples/one/src/main.ts": `import "@patchmoi/sdk"`,
    "test/a.test.ts": `import "../packages/core/src/A.ts"`
  })
  for (const [name, rule] of Object.entries(moduleRules)) {
    test(name, () => expect(rule(readModules(files))).toEqual([]))
  }
  test("declaredDependencies", () => expect(declaredDependencies(files, readModules(files))).toEqual([]))
})

describe("a seeded violation is found", () => {
  const breaks = (
    name: keyof typeof moduleRules,
    sources: Readonly<Record<string, string>>,
    ...sentences: ReadonlyArray<RegExp>
  ) =>
    test(`${name}: ${sentences[0]?.source}`, () => {
      const found = moduleRules[name](readModules(house(sources)))
      expect(found).toHaveLength(sentences.length)
      for (const sentence of sentences) expect(found).toContainEqual(expect.stringMatching(sentence))
    })
  const A = { "packages/core/src/A.ts": "export const a = 1" }

  breaks(
    "roomArrows",
    { "packages/core/src/A.ts": `import "@patchmoi/sdk/step"`, "packages/sdk/src/step.ts": "" },
    /core may not see sdk/
  )
  breaks(
    "roomArrows",
    {
      "packages/git/src/a.ts": `import type { S } from "@patchmoi/store-file/S"`,
      "packages/store-file/src/S.ts": ""
    },
    /git may not see store-file/
  )
  breaks(
    "roomArrows",
    { "packages/store-file/src/a.ts": `export * from "@patchmoi/git/G"`, "packages/git/src/G.ts": "" },
    /store-file may not see git/
  )
  breaks(
    "roomArrows",
    {
      "packages/git/test/a.test.ts": `const s = await import("@patchmoi/sdk/S")`,
      "packages/sdk/src/S.ts": ""
    },
    /git may not see sdk/
  )
  breaks("roomArrows", { ...A, "flows/one/a.ts": `import "@patchmoi/core/A"` }, /flows may not see core/)
  breaks(
    "roomArrows",
    {
      "packages/sdk/src/a.ts": `import "@patchmoi/flow-one/a"`,
      "flows/one/a.ts": "",
      "flows/one/package.json": `{"name":"@patchmoi/flow-one","exports":{"./*":"./*.ts"}}`
    },
    /sdk may not see flows/
  )
  breaks(
    "roomArrows",
    { ...A, "packages/git/src/a.ts": `import "../../core/src/A.ts"` },
    /reaches out of its own package/
  )
  breaks(
    "roomArrows",
    { "flows/one/a.ts": `import "../two/b.ts"`, "flows/two/b.ts": "" },
    /reaches out of its own package/
  )
  breaks(
    "roomArrows",
    { "packages/core/src/internal/x.ts": "", "packages/git/src/a.ts": `import "@patchmoi/core/internal/x"` },
    /not a published door/
  )
  breaks("roomArrows", { "flows/one/a.ts": `import "@patchmoi/sdk/nowhere"` }, /not a published door/)
  breaks(
    "httpClientIsPortable",
    {
      "packages/sdk/src/http.ts": `export const open = () => import("./client/back.ts")\nimport type { S } from "node:fs"`,
      "packages/sdk/src/client/back.ts": `import "@patchmoi/core/A"`,
      "packages/core/src/A.ts": `import { readFile } from "node:fs/promises"`
    },
    /http\.ts → .*back\.ts → .*A\.ts imports node:fs\/promises/
  )
  breaks(
    "httpClientIsPortable",
    {
      "packages/sdk/src/FlowHttp.ts": `import { open } from "@patchmoi/store-file/S"`,
      "packages/store-file/src/S.ts": ""
    },
    /FlowHttp\.ts imports @patchmoi\/store-file\/S/
  )
  breaks("knownRooms", { "packages/extra/src/a.ts": "" }, /packages\/extra has no arrows/)
  breaks(
    "sdkArrows",
    { "packages/sdk/src/api/a.ts": `import "../server/b.ts"`, "packages/sdk/src/server/b.ts": "" },
    /api may not see server/
  )
  breaks(
    "sdkArrows",
    { "packages/sdk/src/client/a.ts": `import "../server/b.ts"`, "packages/sdk/src/server/b.ts": "" },
    /client may not see server/
  )
  breaks(
    "sdkArrows",
    {
      "packages/sdk/src/daemon/a.ts": `import type { B } from "../cli/b.ts"`,
      "packages/sdk/src/cli/b.ts": ""
    },
    /daemon may not see cli/
  )
  breaks(
    "sdkArrows",
    { "packages/sdk/src/cli/a.ts": `import "../bin.ts"`, "packages/sdk/src/bin.ts": "" },
    /cli may not see bin/
  )
  breaks(
    "sdkArrows",
    { "packages/sdk/src/index.ts": `import "./cli/b.ts"`, "packages/sdk/src/cli/b.ts": "" },
    /index may not see cli/
  )
  breaks(
    "importCycles",
    {
      "packages/core/src/A.ts": `import "./B.ts"`,
      "packages/core/src/B.ts": `import type { A } from "./A.ts"`
    },
    /A\.ts → .*B\.ts → .*A\.ts is a cycle/
  )
  breaks("importCycles", { "packages/git/src/a.ts": `import "@patchmoi/git/a"` }, /is a cycle/)
  breaks(
    "coreIsPure",
    {
      "packages/core/src/A.ts": `import "node:fs"\nimport { x } from "bun"\nimport type { D } from "bun:sqlite"\nconst p = require("path")`
    },
    /node:fs/,
    /imports bun:/,
    /bun:sqlite/,
    /imports path/
  )
  breaks(
    "coreIsPure",
    { "packages/core/src/testing/kit.ts": `import "bun:test"\nimport "node:os"` },
    /node:os/
  )
  breaks("coreIsPure", { "packages/core/src/A.ts": `import { test } from "bun:test"` }, /bun:test/)
  breaks("coreIsPure", { "packages/core/src/A.ts": `import "lodash"` }, /core needs only/)
  breaks(
    "coreNeedsOnce",
    {
      "packages/core/src/A.ts": `import "ajv"`,
      "packages/core/src/B.ts": `import { C } from "ajv/dist/core"\nnew C()`
    },
    /ajv is to be behind one module/
  )
  breaks(
    "coreNeedsOnce",
    {
      "packages/core/src/A.ts": `import "@noble/hashes/sha2.js"`,
      "packages/core/src/B.ts": `import "@noble/hashes/utils.js"`
    },
    /@noble\/hashes is to be/
  )
  breaks(
    "stepsImportNothing",
    { "packages/sdk/src/step.ts": `import * as Effect from "effect/Effect"\nEffect.void` },
    /step\.ts imports effect\/Effect/
  )
  breaks(
    "stepsImportNothing",
    { "packages/sdk/src/executor/moduleRunner.ts": `import { a } from "./a.ts"\na()` },
    /imports \.\/a\.ts/
  )
  breaks(
    "noBarrelImports",
    { "bench/a.ts": `import type { Effect } from "effect"` },
    /imports the whole of "effect"/
  )

  test("declaredDependencies", () => {
    const files = house({
      "packages/git/src/a.ts": `import "smol-toml"\nimport "@patchmoi/sdk/x"\nimport "effect/Effect"\nimport "node:fs"`
    })
    const found = declaredDependencies(files, readModules(files))
    expect(found).toHaveLength(2)
    expect(found[0]).toMatch(/smol-toml, which packages\/git\/package\.json does not declare/)
  })
})
