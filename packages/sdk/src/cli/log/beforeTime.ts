/** The time that `--before` names: an instant, or how long ago. */
import { parseTime } from "@patchmoi/core/Time"
import { UsageError } from "../UsageError.ts"

const unitMillis: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

/** An instant of ISO 8601 with its offset, or a day, which begins at midnight UTC. */
const instant = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/

/**
 * Milliseconds since the Unix epoch. Throws {@link UsageError} for what names no time, and for a time to come: a slip
 * must not take what has just ended.
 */
export const beforeTime = (text: string, now: number): number => {
  const [, count, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  const ago = unit === undefined ? undefined : unitMillis[unit]
  const time =
    ago !== undefined ? now - Number(count) * ago : instant.test(text) ? parseTime(text) : Number.NaN
  if (Number.isNaN(time)) {
    throw new UsageError(
      `--before takes a time as 2026-01-31 or 2026-01-31T12:00:00Z, or how long ago as 90d (s, m, h, d, w); found ${JSON.stringify(text)}`
    )
  }
  if (time > now) throw new UsageError(`--before names a time that is still to come: ${text}`)
  return time
}
