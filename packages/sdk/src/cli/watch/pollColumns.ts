/** How the poll of a source looks in a list. */
import type { PollReport } from "../../intake/Poller.ts"
import type { Session } from "../Session.ts"
import type { Column } from "../text/table.ts"

export const pollColumns = ({ styles }: Session): ReadonlyArray<Column<PollReport>> => [
  { title: "SOURCE", of: ({ sourceId }) => sourceId, shrinks: true },
  {
    title: "OUTCOME",
    of: ({ outcome }) => outcome,
    style: ({ outcome }) => (outcome === "failed" ? styles.red : styles.green)
  },
  { title: "ENTRIES", of: ({ entries }) => String(entries) },
  { title: "NEW", of: ({ signals }) => String(signals.length) },
  { title: "SKIPPED", of: ({ skipped }) => String(skipped.length) },
  {
    title: "SAYS",
    of: ({ error, note, signals }) => error ?? note ?? signals.map(({ title }) => title).join(", "),
    shrinks: true
  }
]
