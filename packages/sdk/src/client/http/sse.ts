/**
 * Reads server-sent events out of pieces of text, as the HTML standard defines them (section 9.2.6): fields by line, an
 * event at each empty line, comments left out. An event that a broken connection cut off is never given.
 */

/** One event. */
export interface ServerSentEvent {
  /** The last id that was given, also by an event before. */
  readonly id: string
  readonly event: string
  readonly data: string
}

/** Longest event, in UTF-16 code units (8 MiB): a fact with the largest payload fits several times. */
export const eventLengthMax = 8_388_608

/** Makes a reader: each call takes the next piece and gives the events that are whole. Throws above {@link eventLengthMax}. */
export const makeSseReader = (): ((piece: string) => ReadonlyArray<ServerSentEvent>) => {
  let rest = ""
  let searched = 0
  let id = ""
  let event = ""
  let data: Array<string> = []
  let length = 0

  const takeLine = (line: string): ServerSentEvent | undefined => {
    if (line === "") {
      const whole = data.length === 0 ? undefined : { id, event: event || "message", data: data.join("\n") }
      event = ""
      data = []
      length = 0
      return whole
    }
    const colon = line.indexOf(":")
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)
    if (field === "data") data.push(value)
    if (field === "event") event = value
    if (field === "id" && !value.includes("\0")) id = value
    return undefined
  }

  return (piece) => {
    rest += piece
    const events: Array<ServerSentEvent> = []
    let from = 0
    while (true) {
      const end = nextLineEnd(rest, Math.max(from, searched))
      if (end === undefined) break
      length += end.at - from
      const whole = takeLine(rest.slice(from, end.at))
      if (whole !== undefined) events.push(whole)
      from = end.after
    }
    rest = rest.slice(from)
    // What was searched is not searched again; a last CR may be the first half of CRLF.
    searched = rest.endsWith("\r") ? rest.length - 1 : rest.length
    if (length + rest.length > eventLengthMax) {
      throw new Error(`a server-sent event is longer than ${eventLengthMax} characters`)
    }
    return events
  }
}

// --- internal ---

const nextLineEnd = (
  text: string,
  from: number
): { readonly at: number; readonly after: number } | undefined => {
  for (let at = from; at < text.length; at++) {
    const character = text[at]
    if (character === "\n") return { at, after: at + 1 }
    if (character !== "\r") continue
    // Whether a line feed follows is not known before the next piece.
    if (at + 1 === text.length) return undefined
    return { at, after: text[at + 1] === "\n" ? at + 2 : at + 1 }
  }
  return undefined
}
