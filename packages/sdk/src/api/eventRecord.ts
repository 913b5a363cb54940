/** An event on the wire: the view without its runs, which stand beside it. */
import type { EventRecord } from "./records.ts"

/** The record of a view. */
export const toEventRecord = ({ runs, ...event }: EventRecord & { readonly runs: unknown }): EventRecord =>
  event
