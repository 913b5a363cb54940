import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Either from "effect/Either"
import { ForkSyncTarget, Source, SourceRepo, WorkspaceTarget } from "../../src/intake/Source.ts"
import { decodeSourcesFile } from "../../src/intake/SourcesFile.ts"

const page = readFileSync(join(import.meta.dir, "../../../../docs/reference/feed-sources.md"), "utf8")

test("the example of the reference page decodes without a broken source or a warning", () => {
  const example = /```json feed-sources\.json\n([\s\S]*?)```/.exec(page)?.[1]
  expect(example).toBeDefined()
  const { broken, sources, warnings } = Either.getOrThrow(decodeSourcesFile(example ?? ""))
  expect(broken).toEqual([])
  expect(warnings).toEqual([])
  expect(sources.map((source) => [source.provider, source.event, source.target?.mode])).toEqual([
    ["github", "release", "workspace_flow"],
    ["github", "push", "fork_sync"],
    ["npm", "release", "flow_dispatch"]
  ])
})

test("the reference page names every field of a source", () => {
  const fields = [Source, SourceRepo, ForkSyncTarget, WorkspaceTarget].flatMap((schema) =>
    Object.keys(schema.fields)
  )
  expect(fields.filter((field) => !page.includes(`\`${field}\``))).toEqual([])
})
