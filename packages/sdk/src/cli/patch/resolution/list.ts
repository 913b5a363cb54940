/** `patchmoi patch resolution list`: the stored resolutions, newest first. */
import { type Resolution, ResolutionStore } from "@patchmoi/git"
import * as DateTime from "effect/DateTime"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import type { CommonFlags, Session } from "../../Session.ts"
import type { Column } from "../../text/table.ts"
import { oneLine } from "../../text/width.ts"
import { inRepository } from "../repository.ts"

/** What is no resolution is told on standard error, and is exit code 1. */
export const run: Run<CommonFlags> = async (session) => {
  const { issues, resolutions } = await inRepository(session, ({ repository }) =>
    ResolutionStore.readResolutions({ repository })
  )
  const newest = [...resolutions].sort((a, b) => b.resolution.date - a.resolution.date)
  if (session.json) session.printJson({ resolutions: newest, issues })
  else {
    session.printRows(columnsOf(session), newest)
    for (const { detail, place } of issues)
      session.note(`not a resolution: ${oneLine(place)}: ${oneLine(detail)}`)
  }
  return issues.length === 0 ? exitCodes.good : exitCodes.failed
}

// --- internal ---

const columnsOf = (_: Session): ReadonlyArray<Column<Resolution.StoredResolution>> => [
  { title: "RESOLUTION", of: ({ id }) => id },
  { title: "PATCH", of: ({ resolution }) => oneLine(resolution.patch), shrinks: true },
  { title: "PATH", of: ({ resolution }) => oneLine(resolution.path), shrinks: true },
  { title: "HOW", of: ({ resolution }) => resolution.how },
  { title: "AUTHOR", of: ({ resolution }) => resolution.author.name, shrinks: true },
  { title: "DATE", of: ({ resolution }) => dayOf(resolution.date) },
  { title: "CHECKS", of: ({ resolution }) => String(resolution.checks.length) }
]

/** The day of seconds since 1970, in UTC. The record bounds them to the year 9999. */
const dayOf = (seconds: number): string => DateTime.formatIsoDateUtc(DateTime.unsafeMake(seconds * 1_000))
