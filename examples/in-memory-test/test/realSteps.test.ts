/** With the real flow and its real steps, and a record that lives as long as the test. */
import { expect, test } from "bun:test"
import { dirname } from "node:path"
import { createFlowClient } from "@patchmoi/sdk"
import { welcome } from "../src/members.ts"

const openFlows = () =>
  createFlowClient({ mode: "local", cwd: dirname(import.meta.dir), state: "memory", env: {} })

test("a new member gets one letter", async () => {
  await using flows = openFlows()
  const member = { id: "1", name: "Ada" }
  expect(await welcome(flows, member)).toEqual({ letter: "Dear Ada, welcome!", isFirst: true })
  expect(await welcome(flows, member)).toEqual({ letter: "Dear Ada, welcome!", isFirst: false })
  expect((await flows.listRuns()).runs).toHaveLength(1)
})

test("the record of a test is its own", async () => {
  await using flows = openFlows()
  expect((await flows.listEvents()).events).toEqual([])
})

test("an event that no flow wants says why", async () => {
  await using flows = openFlows()
  const { steps } = await flows.explainEvent({ id: "2", type: "member.left", payload: {} })
  expect(steps.map(({ matched, reason }) => ({ matched, reason }))).toEqual([
    { matched: false, reason: "event type member.left does not match member.joined" }
  ])
})
