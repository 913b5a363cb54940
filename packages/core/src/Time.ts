/** Times as they stand in documents. */
import * as DateTime from "effect/DateTime"

/** Milliseconds since the Unix epoch as ISO 8601 in UTC, with milliseconds. */
export const toIso = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis))

/**
 * Milliseconds since the Unix epoch of a time as `2026-02`, `2026-02-28` or `2026-02-28T12:00:00Z`; NaN for anything else, and for
 * a day that the calendar does not have: the parser of the language takes the 31st of February for the 3rd of March.
 */
export const parseTime = (text: string): number => {
  if (/^\d{4}-\d{2}$/.test(text)) return Date.parse(text)
  const day = text.slice(0, 10)
  const midnight = Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || toIso(midnight).slice(0, 10) !== day) return Number.NaN
  return Date.parse(text)
}
