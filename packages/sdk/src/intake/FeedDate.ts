/**
 * Dates of feeds and package documents, to one form. Two forms are read: RFC 3339 (Atom, npm) and
 * RFC 822 with the four-digit years of RSS 2.0. Anything else is not a date: a guess would order releases wrongly.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

/** ISO 8601 in UTC with milliseconds, or none where the text is not a date that exists. */
export const parseFeedDate = (text: string): Option.Option<string> => {
  if (text.length > dateLengthMax) return Option.none()
  const trimmed = text.trim()
  const rfc3339 = rfc3339Pattern.exec(trimmed)?.groups
  if (rfc3339 !== undefined) return fromParts(rfc3339, Number(rfc3339["month"]))
  const rfc822 = rfc822Pattern.exec(trimmed)?.groups
  if (rfc822 === undefined) return Option.none()
  return fromParts(rfc822, months.indexOf((rfc822["month"] ?? "").toLowerCase()) + 1)
}

// --- internal ---

/** Longest text that is looked at as a date, surrounding white space included. */
const dateLengthMax = 256

const rfc3339Pattern =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)[Tt ](?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)(?:\.(?<fraction>\d{1,12}))?\s*(?<zone>[Zz]|[+-]\d\d:?\d\d)$/

const rfc822Pattern =
  /^(?:[A-Za-z]{3,9},?\s+)?(?<day>\d{1,2})\s+(?<month>[A-Za-z]{3})[a-z]*\s+(?<year>\d{4})\s+(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d))?\s*(?<zone>[A-Za-z]{1,4}|[+-]\d{4})$/

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

/** The zone names of RFC 822, in hours from UTC. */
const zoneHours: Readonly<Record<string, number>> = {
  z: 0,
  ut: 0,
  utc: 0,
  gmt: 0,
  est: -5,
  edt: -4,
  cst: -6,
  cdt: -5,
  mst: -7,
  mdt: -6,
  pst: -8,
  pdt: -7
}

const zoneMinutes = (zone: string): number | undefined => {
  const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
  if (offset === null) {
    const hours = zoneHours[zone.toLowerCase()]
    return hours === undefined ? undefined : hours * 60
  }
  const minutes = Number(offset[2]) * 60 + Number(offset[3])
  if (Number(offset[2]) > 23 || Number(offset[3]) > 59) return undefined
  return offset[1] === "-" ? -minutes : minutes
}

const fromParts = (parts: Record<string, string | undefined>, month: number): Option.Option<string> => {
  const number = (name: string) => Number(parts[name] ?? 0)
  const offsetMinutes = zoneMinutes(parts["zone"] ?? "")
  const inRange =
    month >= 1 && month <= 12 && number("hour") <= 23 && number("minute") <= 59 && number("second") <= 60
  if (offsetMinutes === undefined || !inRange) return Option.none()
  return DateTime.make({
    year: number("year"),
    month,
    day: number("day"),
    hours: number("hour"),
    minutes: number("minute"),
    // A leap second has no place in the epoch; it counts as the second before it.
    seconds: Math.min(number("second"), 59),
    millis: Number((parts["fraction"] ?? "").slice(0, 3).padEnd(3, "0"))
  }).pipe(
    // The 30th of February would roll over into March: such a date does not exist.
    Option.filter((local) => DateTime.getPartUtc(local, "day") === number("day")),
    Option.map((local) => DateTime.formatIso(DateTime.subtract(local, { minutes: offsetMinutes }))),
    Option.filter((iso) => /^\d{4}-/.test(iso))
  )
}
