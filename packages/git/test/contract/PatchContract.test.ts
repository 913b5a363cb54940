import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import {
  contractFileBytesMax,
  contractTablesMax,
  parseContractFile
} from "../../src/contract/ContractFile.ts"
import { formatContractIssue } from "../../src/contract/ContractIssue.ts"
import { listItemsMax } from "../../src/contract/contractFields.ts"
import { inspectContracts, readContracts } from "../../src/contract/PatchContract.ts"
import { parseRef } from "../../src/GitName.ts"
import { planPatches, readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository, resolveCommit } from "../../src/Repository.ts"
import { makeTempRepo, type TempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"

const makeRepo = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    yield* repo.commit("base", { "a.txt": "a\n" })
    yield* repo.git("tag", "v1")
    return repo
  })

/** A patch branch on `v1`, one commit for each message. */
const patch = (repo: TempRepo, name: string, ...messages: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "-c", name, "v1")
    for (const [at, message] of messages.entries()) {
      yield* repo.commit(message, { [`${name.replaceAll("/", "-")}-${at}.txt`]: "x\n" })
    }
    yield* repo.git("switch", "--quiet", "main")
  })

const contractFile = (repo: TempRepo, text: string) =>
  Effect.gen(function* () {
    yield* repo.git("switch", "--quiet", "--orphan", "patch-contracts")
    yield* repo.commit("contracts", { "patches.toml": text })
    yield* repo.git("switch", "--quiet", "main")
  })

const planOf = (repo: TempRepo) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory: repo.directory })
    const found = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const upstream = [yield* resolveCommit({ repository, revision: "v1" })]
    return { repository, patches: yield* planPatches({ repository, upstream, patches: found }) }
  })

const inspectIn = (repo: TempRepo) => Effect.flatMap(planOf(repo), inspectContracts)

const everything = [
  "Patchmoi-Purpose: let people log in",
  "Patchmoi-Owner: Ada <ada@example.com>",
  "Patchmoi-Upstream: https://example.com/issues/7",
  "Patchmoi-Drop-When: tag:v2.*",
  "Patchmoi-Scope: src/login/**",
  "Patchmoi-Scope: *.txt",
  "Patchmoi-Check: bun test login",
  "Signed-off-by: Ada <ada@example.com>"
].join("\n")

describe("readContracts", () => {
  test(
    "reads every field from trailers, in sha1 and sha256",
    withGit(() =>
      Effect.gen(function* () {
        for (const format of ["sha1", "sha256"] as const) {
          const repo = yield* makeRepo(format)
          yield* patch(repo, "patch/login", `login\n\nA body.\n\n${everything}\n`)
          yield* patch(repo, "patch/plain", "no trailers at all")
          const contracts = yield* Effect.flatMap(planOf(repo), readContracts)
          expect(contracts.get("patch/login")).toEqual({
            purpose: "let people log in",
            owner: "Ada <ada@example.com>",
            upstream: "https://example.com/issues/7",
            dropWhen: "tag:v2.*",
            scope: ["src/login/**", "*.txt"],
            checks: ["bun test login"]
          })
          expect(contracts.get("patch/plain")).toEqual({ scope: [], checks: [] })
        }
      })
    )
  )

  test(
    "the later of two commits wins, scopes add up, folded lines are one value, keys have no case",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeRepo()
        yield* repo.git("config", "trailer.separators", "#")
        yield* patch(
          repo,
          "patch/a",
          "one\n\nPatchmoi-Purpose: first\nPatchmoi-Owner: me\nPatchmoi-Scope: a/**\n",
          "two\n\npatchmoi-purpose: second,\n  folded\nPatchmoi-Scope: b/**\nPatchmoi-Scope: a/**\n"
        )
        const { contracts, issues } = yield* inspectIn(repo)
        expect(contracts.get("patch/a")).toEqual({
          purpose: "second, folded",
          owner: "me",
          scope: ["a/**", "b/**"],
          checks: []
        })
        expect(issues).toEqual([])
      })
    )
  )

  test(
    "a wrong value is left out and told with its commit",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeRepo()
        const scopes = Array.from({ length: listItemsMax + 1 }, (_, at) => `Patchmoi-Scope: s${at}`)
        yield* patch(
          repo,
          "patch/a",
          [
            "one\n",
            "Patchmoi-Upstream: javascript:alert(1)",
            "Patchmoi-Drop-When: some day",
            "Patchmoi-Drop-When: commit:abc",
            "Patchmoi-Scope: ../up",
            "Patchmoi-Owner:",
            "Patchmoi-Ower: me",
            "Patchmoi-Event: e1",
            ...scopes
          ].join("\n")
        )
        const { contracts, issues } = yield* inspectIn(repo)
        expect(contracts.get("patch/a")?.scope).toHaveLength(listItemsMax)
        expect(contracts.get("patch/a")?.dropWhen).toBeUndefined()
        expect(issues.map(({ key, found }) => [key, found])).toEqual([
          ["Patchmoi-Upstream", '"javascript:alert(1)"'],
          ["Patchmoi-Drop-When", '"some day"'],
          ["Patchmoi-Drop-When", '"commit:abc"'],
          ["Patchmoi-Scope", '"../up"'],
          ["Patchmoi-Owner", '""'],
          ["Patchmoi-Ower", "an unknown trailer"],
          ["Patchmoi-Scope", "more"]
        ])
        const tip = yield* repo.git("rev-parse", "patch/a")
        expect(issues.every((issue) => issue.commitId === tip && issue.patch === "patch/a")).toBe(true)
        const [, , , , , unknown] = issues
        expect(unknown && formatContractIssue(unknown)).toBe(
          `patch/a (commit ${tip.slice(0, 12)}): Patchmoi-Ower: expected Patchmoi-Owner, found an unknown trailer`
        )
      })
    )
  )

  test(
    "patches.toml says what trailers do not, by the name with or without its number",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeRepo()
        yield* patch(repo, "patch/010-login", "login\n\nPatchmoi-Purpose: by trailer\nPatchmoi-Scope: t/**\n")
        yield* patch(repo, "patch/020-other", "other")
        yield* contractFile(
          repo,
          [
            '[patches."patch/login"]',
            'purpose = "by file"',
            'owner = "team"',
            'scope = ["f/**"]',
            'checks = "bun test"',
            '[patches."patch/020-other"]',
            'drop_when = "contains:src/other"',
            '[patches."patch/gone"]',
            'owner = "nobody"',
            ""
          ].join("\n")
        )
        const { contracts, issues } = yield* inspectIn(repo)
        expect(contracts.get("patch/010-login")).toEqual({
          purpose: "by trailer",
          owner: "team",
          scope: ["t/**"],
          checks: ["bun test"]
        })
        expect(contracts.get("patch/020-other")).toMatchObject({ dropWhen: "contains:src/other" })
        expect(issues.map(formatContractIssue)).toEqual([
          'patch-contracts:patches.toml:8: patches."patch/gone": expected the name of a patch branch, found no such patch'
        ])
        // The branch is no patch, so the file reaches no maintained tree.
        expect((yield* planOf(repo)).patches.map(({ name }) => name)).toEqual([
          "patch/010-login",
          "patch/020-other"
        ])
      })
    )
  )

  test(
    "a file that is too long is one issue, and no patches are no work",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeRepo()
        yield* contractFile(repo, `# ${"x".repeat(contractFileBytesMax)}\n`)
        const { contracts, issues } = yield* inspectIn(repo)
        expect(contracts.size).toBe(0)
        expect(issues).toHaveLength(1)
        expect(issues[0]?.expected).toContain(`${contractFileBytesMax} bytes`)
      })
    )
  )
})

describe("parseContractFile", () => {
  test("reads as many tables as it may have, and tells of more", () => {
    const tables = Array.from({ length: contractTablesMax + 1 }, (_, at) => `[patches.p${at}]\npurpose = "x"`)
    const full = parseContractFile(tables.slice(1).join("\n"))
    expect([full.tables.size, full.issues]).toEqual([contractTablesMax, []])
    const over = parseContractFile(tables.join("\n"))
    expect(over.tables.size).toBe(contractTablesMax)
    expect(over.issues).toMatchObject([{ key: "patches", expected: "at most 1000 tables", found: "more" }])
  })

  test("tells every problem with key and line", () => {
    const file = parseContractFile(
      [
        'title = "x"',
        '[patches."patch/a"]',
        "purpose = 7",
        'drop_wen = "tag:v1"',
        'scope = ["ok/**", 3, "/abs"]',
        "[patches.b]",
        'upstream = "ftp://x"'
      ].join("\n")
    )
    expect(file.issues.map(({ key, line, found }) => [key, line, found])).toEqual([
      ["title", 1, "an unknown key"],
      ['patches."patch/a".purpose', 3, "7"],
      ['patches."patch/a".drop_wen', 4, "an unknown key"],
      ['patches."patch/a".scope', 5, "3"],
      ['patches."patch/a".scope', 5, '"/abs"'],
      ['patches."b".upstream', 7, '"ftp://x"']
    ])
    expect(file.tables.get("patch/a")?.scope).toEqual(["ok/**"])
  })

  test.each([
    ["no TOML", "[patches", 1],
    ["a value in the place of the tables", "patches = 3", 1],
    ["a value in the place of a table", "[patches]\na = 3", null]
  ])("%s", (_, text, line) => {
    const { issues } = parseContractFile(text)
    expect(issues).toHaveLength(1)
    expect(issues[0]?.line).toBe(line)
  })
})
