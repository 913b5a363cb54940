/** `patchmoi cascade status`: the cascades of a record, or every target of the last one of a name. */
import type { CascadeDocument, TargetState } from "@patchmoi/core/cascade/CascadeDocument"
import { Cascades } from "@patchmoi/core/cascade/Cascades"
import { Store } from "@patchmoi/core/store/Store"
import { summaryOf } from "@patchmoi/git/cascade/CascadeReport"
import * as Effect from "effect/Effect"
import { layerStore } from "../../composeEngine.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { notePage, pageOf } from "../pages.ts"
import { recordState } from "../recordOptions.ts"
import { requireRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { recordFolder, type Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { timeText } from "../text/time.ts"
import { exitCodeOfStatus } from "./apply.ts"
import type { CascadeStatusFlags } from "./flags.ts"
import { cascadeStyle } from "./targetText.ts"

export const run: Run<CascadeStatusFlags, [string?]> = async (session, flags, name) => {
  const dataDir = recordFolder(session, flags)
  requireRecord(dataDir)
  const page = await runWith(
    session,
    layerStore(recordState(dataDir, "read")),
    Effect.flatMap(Store, (store) =>
      store.list(Cascades, {
        ...(name === undefined ? pageOf(flags) : { index: "byName", prefix: [name], limit: 1 })
      })
    )
  )
  if (name !== undefined) return showLast(session, name, page.items[0])
  const { items: cascades, ...next } = page
  if (session.json) session.printJson({ cascades, ...next })
  else session.printRows(cascadeColumns(session), cascades)
  notePage(session, page)
  return exitCodes.good
}

/** The record knows no cascade of this name. */
export class UnknownCascade extends Error {
  readonly _tag = "UnknownCascade"
  override readonly name = "UnknownCascade"

  constructor(readonly cascade: string) {
    super(`The record has no cascade ${JSON.stringify(cascade)}; see: patchmoi cascade status`)
  }
}

// --- internal ---

const showLast = (session: Session, name: string, cascade: CascadeDocument | undefined) => {
  if (cascade === undefined) throw new UnknownCascade(name)
  if (session.json) session.printJson(cascade)
  else {
    session.printRows(targetColumns(session), cascade.targets)
    session.note(`${cascade.name} ${cascade.version} ${cascade.status}: ${summaryOf(cascade.targets)}`)
  }
  return cascade.status === "running" ? exitCodes.failed : exitCodeOfStatus(cascade.status)
}

const cascadeColumns = ({ forPeople, styles }: Session): ReadonlyArray<Column<CascadeDocument>> => [
  { title: "CREATED", of: ({ createdAt }) => timeText(createdAt, forPeople) },
  { title: "NAME", of: ({ name }) => name, shrinks: true },
  { title: "VERSION", of: ({ version }) => version, shrinks: true },
  { title: "STATUS", of: ({ status }) => status, style: ({ status }) => cascadeStyle(styles, status) },
  { title: "TARGETS", of: ({ targets }) => summaryOf(targets), shrinks: true },
  { title: "RUN", of: ({ runId }) => runId ?? "", shrinks: true }
]

const targetColumns = ({ forPeople, styles }: Session): ReadonlyArray<Column<TargetState>> => [
  { title: "STATUS", of: ({ status }) => status, style: ({ status }) => cascadeStyle(styles, status) },
  { title: "TARGET", of: ({ target }) => target, shrinks: true },
  { title: "COMMIT", of: ({ commit = "" }) => (forPeople ? commit.slice(0, 12) : commit) },
  { title: "TRIES", of: ({ tries }) => String(tries) },
  { title: "SAYS", of: ({ reason }) => reason ?? "", shrinks: true }
]
