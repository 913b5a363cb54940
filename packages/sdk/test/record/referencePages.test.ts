/** The pages of the views and of the data folder name every field that there is, and none that there is not. */
import { expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DispatchDocument } from "@patchmoi/core/dispatch/Dispatches"
import { ExitCause, OutputStream } from "@patchmoi/core/executor/Executor"
import { ProcessStatus, ResultStatus } from "@patchmoi/core/flow/FlowResult"
import { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import { CandidateRef } from "@patchmoi/core/maintenance/MaintenanceFact"
import { AttemptStatus } from "@patchmoi/core/run/RunDocument"
import { AttemptView, OutputView, RunView, WaitingOn } from "@patchmoi/core/run/RunView"
import * as SchemaAST from "effect/SchemaAST"
import { EventRecord } from "../../src/api/records.ts"
import { createFlowClient } from "../../src/index.ts"
import { FeedSignal } from "../../src/intake/Signal.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { echoScript, flowFiles, makeEchoWorkspace } from "../client/support.ts"

const read = (name: string) => readFileSync(join(import.meta.dir, "../../../../docs/reference", name), "utf8")
const runView = read("run-view.md")
const dataDir = read("data-dir.md")

/** The text under a heading, up to the next one. */
const section = (page: string, heading: string): string => {
  const [, ...rest] = page.split(new RegExp(`^#+ ${heading}$`, "m"))
  if (rest.length !== 1) throw new Error(`${rest.length} headings "${heading}"`)
  return rest.join("").split(/^#+ /m)[0] ?? ""
}

interface Row {
  readonly names: ReadonlyArray<string>
  readonly second: string
}

/** The rows of the first table of a section: the names in the first cell, and the second cell. */
const rowsOf = (text: string): ReadonlyArray<Row> =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(" | "))
    .map(([first = "", second = ""]) => ({
      names: [...first.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
      second: second.trim()
    }))

const namesIn = (page: string, heading: string) =>
  rowsOf(section(page, heading)).flatMap(({ names }) => names)
const optionalIn = (page: string, heading: string) =>
  rowsOf(section(page, heading))
    .filter(({ second }) => second === "optional")
    .flatMap(({ names }) => names)

/** The fields of a schema, without the tag, as its AST has them. */
const fieldsOf = ({ ast }: { readonly ast: SchemaAST.AST }) =>
  SchemaAST.getPropertySignatures(ast).filter(({ name }) => name !== "_tag")

const tagOf = ({ ast }: { readonly ast: SchemaAST.AST }): unknown => {
  const tag = SchemaAST.getPropertySignatures(ast).find(({ name }) => name === "_tag")?.type
  return tag !== undefined && SchemaAST.isLiteral(tag) ? tag.literal : undefined
}

test.each([
  ["Run", runView, RunView],
  ["Attempt", runView, AttemptView],
  ["Output", runView, OutputView],
  ["Maintenance attempt", runView, MaintenanceDocument],
  ["Candidate ref", runView, CandidateRef],
  ["Dispatch", runView, DispatchDocument],
  ["Fields of `feed-events.jsonl`", dataDir, FeedSignal]
] as const)("%s: every field, and what is optional", (heading, page, schema) => {
  const fields = fieldsOf(schema)
  expect(namesIn(page, heading).toSorted()).toEqual(fields.map(({ name }) => String(name)).toSorted())
  const optional = fields.filter((field) => field.isOptional).map(({ name }) => String(name))
  expect(optionalIn(page, heading).toSorted()).toEqual(optional.toSorted())
})

test("Waiting and Exit: every tag with its facts", () => {
  for (const [heading, union] of [
    ["Waiting", WaitingOn],
    ["Exit", ExitCause]
  ] as const) {
    const documented = Object.fromEntries(
      rowsOf(section(runView, heading))
        .filter(({ names }) => names[0] !== "_tag")
        .map(({ names, second }) => [
          names[0] ?? "",
          [...second.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name)
        ])
    )
    const declared = Object.fromEntries(
      union.members.map((member) => [tagOf(member), fieldsOf(member).map(({ name }) => name)])
    )
    expect(documented).toEqual(declared)
  }
})

test("every status is named", () => {
  const run = section(runView, "Run")
  for (const status of [...ProcessStatus.literals, ...ResultStatus.literals])
    expect(run).toContain(`\`${status}\``)
  for (const status of AttemptStatus.literals) expect(section(runView, "Attempt")).toContain(`\`${status}\``)
  for (const stream of OutputStream.literals) expect(section(runView, "Output")).toContain(`\`${stream}\``)
})

test("Event: the fields of a real event, and no other", async () => {
  const next = { type: "demo.next", payload: {} }
  await using workspace = await makeEchoWorkspace(flowFiles("next", "demo.next", echoScript))
  await using client = createFlowClient({ mode: "local", cwd: workspace.root })
  await client.dispatchEvent(echoEvent("1", { status: "changed", next: [next] }))
  await client.dispatchEvent({ id: "2", type: "t", source: "s", occurredAt: "2026-01-01", mine: 1 })
  const { events } = await client.listEvents()
  const seen = new Set(events.flatMap((event) => Object.keys(event)))
  seen.delete("mine")
  const documented = namesIn(runView, "Event").toSorted()
  // What only an event has that came over HTTP, or was compacted.
  expect(documented).toEqual([...seen, "dispatchedBy", "compactedAt"].toSorted())
  expect(documented).toEqual([...Object.keys(EventRecord.fields), "runs"].toSorted())
})

test("every link between the pages leads to a heading", () => {
  const anchor = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-")
  const anchors = [...runView.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading))
  for (const [, target = ""] of dataDir.matchAll(/\(run-view\.md#([^)]+)\)/g))
    expect(anchors).toContain(target)
})
