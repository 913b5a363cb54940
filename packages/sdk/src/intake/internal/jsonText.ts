/** Parses JSON and, where it is broken, says at which line and column: the runtime's own message does not. */
import * as Either from "effect/Either"

/** Where and why a text is not JSON. Lines and columns count from 1, columns in UTF-16 code units. */
export interface JsonProblem {
  readonly line: number
  readonly column: number
  /** For instance `expected a value, found "}"`. Quotes at most one character of the text. */
  readonly reason: string
}

/** The value, or where the text stops being JSON. A byte order mark at the start is allowed. */
export const parseJson = (text: string): Either.Either<unknown, JsonProblem> => {
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text
  return Either.try({ try: (): unknown => JSON.parse(body), catch: () => locate(body) })
}

// --- internal ---

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: JSON refuses raw control characters in texts.
const token =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above.

type Expecting = "value" | "value or ]" | "key or }" | "key" | ":" | ", or close" | "end"

const words: Readonly<Record<Expecting, string>> = {
  value: "a value",
  "value or ]": 'a value or "]"',
  "key or }": 'a key in double quotes or "}"',
  key: "a key in double quotes",
  ":": '":"',
  ", or close": '"," or the end of the list or object',
  end: "nothing more"
}

/** What comes after the token at hand, or undefined where that token may not stand here. */
const next = (
  expecting: Expecting,
  mark: string | undefined,
  isText: boolean,
  open: Array<string>
): Expecting | undefined => {
  const afterValue = (): Expecting => (open.length === 0 ? "end" : ", or close")
  const wantsValue = expecting === "value" || expecting === "value or ]"
  const wantsKey = expecting === "key" || expecting === "key or }"
  if (mark === undefined) {
    if (wantsKey) return isText ? ":" : undefined
    return wantsValue ? afterValue() : undefined
  }
  if (mark === "{" || mark === "[") {
    if (!wantsValue) return undefined
    open.push(mark)
    return mark === "{" ? "key or }" : "value or ]"
  }
  if (mark === ":") return expecting === ":" ? "value" : undefined
  if (mark === ",") return expecting === ", or close" ? (open.at(-1) === "{" ? "key" : "value") : undefined
  const closes = mark === "}" ? "{" : "["
  const mayClose = expecting === ", or close" || expecting === (mark === "}" ? "key or }" : "value or ]")
  if (!mayClose || open.at(-1) !== closes) return undefined
  open.pop()
  return afterValue()
}

const locate = (text: string): JsonProblem => {
  const open: Array<string> = []
  const scanner = new RegExp(token)
  let expecting: Expecting = "value"
  let offset = 0
  for (;;) {
    scanner.lastIndex = offset
    const match: RegExpExecArray | null = scanner.exec(text)
    const following: Expecting | undefined =
      match === null ? undefined : next(expecting, match[1], match[2] !== undefined, open)
    if (match === null || following === undefined) break
    expecting = following
    offset += match[0].length
  }
  const at = offset + (/^[ \t\r\n]*/.exec(text.slice(offset))?.[0].length ?? 0)
  const before = text.slice(0, at)
  const found =
    at >= text.length
      ? "the end of the text"
      : JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))
  return {
    line: before.split("\n").length,
    column: at - (before.lastIndexOf("\n") + 1) + 1,
    reason: `expected ${words[expecting]}, found ${found}`
  }
}
