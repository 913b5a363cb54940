/** What the server gives besides runs: schemas of the views as they are on the wire. Plain JSON; fields may be added. */

import { DispatchDocument } from "@patchmoi/core/dispatch/Dispatches"
import { StepPlan } from "@patchmoi/core/flow/Flow"
import { RunId } from "@patchmoi/core/Ids"
import { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import * as Schema from "effect/Schema"

/** A maintenance attempt: the document itself. */
export const AttemptRecord = MaintenanceDocument.annotations({ identifier: "MaintenanceAttempt" })

/** A dispatch: the document itself. */
export const DispatchRecord = DispatchDocument.annotations({ identifier: "Dispatch" })

const Text = Schema.String
const Strings = Schema.Array(Text)

/** An event without its runs. Fields that the sender added stand beside these. */
export const EventRecord = Schema.Struct(
  {
    id: Text,
    type: Text,
    source: Schema.optional(Text),
    occurredAt: Schema.optional(Text),
    receivedAt: Text,
    payload: Schema.Unknown,
    /** Runs of all generations, oldest first. */
    runIds: Strings,
    generation: Schema.Int,
    depth: Schema.Int,
    causedBy: Schema.optional(Schema.Struct({ eventId: Text, runId: Text })),
    dispatchedBy: Schema.optional(Text),
    compactedAt: Schema.optional(Text),
    maintenanceAttemptIds: Strings,
    differingDuplicates: Schema.Array(Schema.Struct({ at: Text, type: Text })),
    createdAt: Text
  },
  { key: Text, value: Schema.Unknown }
).annotations({ identifier: "Event" })
export type EventRecord = typeof EventRecord.Type

/** One change of the record: the data of a server-sent event, whose id is the position. */
export const Change = Schema.Struct({
  position: Schema.Int,
  at: Text,
  subject: Text,
  id: Text,
  type: Text,
  data: Schema.Unknown
}).annotations({ identifier: "Change" })
export interface Change extends Schema.Schema.Type<typeof Change> {}

/** A piece of what an attempt printed. */
export const OutputPiece = Schema.Struct({
  /** From 0; a gap says that pieces were left out. */
  sequence: Schema.Int,
  /** Byte offset in everything that the attempt printed. */
  offset: Schema.Int,
  /** Length of what was printed, in bytes. */
  bytes: Schema.Int,
  /** `stdout`, `stderr`, `system` or `agent`. */
  kind: Text,
  text: Text,
  createdAt: Text
}).annotations({ identifier: "OutputPiece" })
export interface OutputPiece extends Schema.Schema.Type<typeof OutputPiece> {}

/** Some of the output of one attempt, in order. */
export const OutputPage = Schema.Struct({
  runId: RunId,
  /** Absent when the run has had no attempt yet. */
  attemptId: Schema.optional(Text),
  /** Which attempt of the run it is, from 1; absent with `attemptId`, and from an older server. */
  attemptNumber: Schema.optional(Schema.Int),
  output: Schema.Array(OutputPiece),
  /** The sequence to go on from with `from`: what follows the last piece of this page. */
  next: Schema.Int,
  /** Whether the attempt has ended and nothing follows this page. */
  complete: Schema.Boolean
}).annotations({ identifier: "OutputPage" })
export interface OutputPage extends Schema.Schema.Type<typeof OutputPage> {}

const FlowIssue = Schema.Struct({
  file: Text,
  line: Schema.optional(Schema.Int),
  field: Schema.optional(Text),
  expected: Schema.optional(Text),
  found: Schema.optional(Text),
  message: Text
})

const BrokenFlow = Schema.Struct({ root: Text, file: Text, issues: Schema.Array(FlowIssue) }).annotations({
  identifier: "BrokenFlow"
})

/** The flows of the workspace, and the folders whose manifest is broken. */
export const CatalogRecord = Schema.Struct({
  flows: Schema.Array(
    Schema.Struct({
      name: Text,
      version: Schema.Number,
      description: Schema.optional(Text),
      root: Text,
      config: Schema.optional(Schema.Record({ key: Text, value: Schema.Unknown })),
      steps: Schema.Array(
        Schema.Struct({
          name: Text,
          plan: StepPlan,
          trigger: Schema.optional(Schema.Struct({ type: Text, schemaPath: Schema.optional(Text) }))
        })
      ),
      warnings: Strings
    })
  ),
  broken: Schema.Array(BrokenFlow)
}).annotations({ identifier: "Catalog" })
export interface CatalogRecord extends Schema.Schema.Type<typeof CatalogRecord> {}

/** Why each step would run for an event, or would not. */
export const ExplanationRecord = Schema.Struct({
  steps: Schema.Array(
    Schema.Struct({
      flowName: Text,
      stepName: Text,
      matched: Schema.Boolean,
      reason: Schema.optional(Text),
      issues: Schema.Array(Schema.Struct({ pointer: Text, message: Text, keyword: Text }))
    })
  ),
  broken: Schema.Array(BrokenFlow)
}).annotations({ identifier: "Explanation" })
export interface ExplanationRecord extends Schema.Schema.Type<typeof ExplanationRecord> {}
