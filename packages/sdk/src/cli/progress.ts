/** How long work is shown while it goes on: one line that is rewritten on a terminal, plain lines elsewhere. On standard error. */
import type { Session } from "./Session.ts"
import { stylesOf } from "./text/style.ts"
import { cut, oneLine } from "./text/width.ts"

export interface Progress {
  /** Something happened. */
  readonly happened: (line: string) => void
  /** What is going on now; shown on a terminal only, until something else is. */
  readonly status: (text: string) => void
  /** Whether {@link Progress.status} shows anything, so that nobody works for nothing. */
  readonly showsStatus: boolean
  /** Takes the status line away. */
  readonly clear: () => void
}

/** Makes the progress of a session. With `--json` there are no plain lines: only errors go to standard error. */
export const makeProgress = (session: Session): Progress => {
  const { stderr } = session.caller
  if (!stderr.isTerminal) {
    return {
      happened: (line) => {
        if (!session.json) session.note(oneLine(line))
      },
      status: () => undefined,
      showsStatus: false,
      clear: () => undefined
    }
  }
  const { dim } = stylesOf(session.caller, stderr)
  let shown = false
  const clear = (): void => {
    if (shown) stderr.write(eraseLine)
    shown = false
  }
  const status = (text: string): void => {
    // The last column stays free: some terminals wrap after it.
    stderr.write(`${eraseLine}${dim(cut(oneLine(text), session.width - 1))}`)
    shown = true
  }
  return { happened: status, status, showsStatus: true, clear }
}

// --- internal ---

/** To the start of the line, and erase it. */
const eraseLine = "\r\u001b[2K"
