/** Times as they stand in documents. */
import * as DateTime from "effect/DateTime"

/** Milliseconds since the Unix epoch as ISO 8601 in UTC, with milliseconds. */
export const toIso = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis))
