/** Times in lists. */

/** An ISO 8601 time to the minute for people (UTC), as it is for programs. */
export const timeText = (iso: string, forPeople: boolean): string =>
  forPeople ? iso.slice(0, "2026-11-21T08:43".length).replace("T", " ") : iso
