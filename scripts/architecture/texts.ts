/** Rules about the text of a file: its length, and words that must not be in the repository. */
import { type Files, isSource, type Violation } from "./house.ts"

/** A file longer than this holds a second concept. */
export const sourceLinesMax = 300

/** Files that may be longer, each with its reason. */
export const longFiles: ReadonlyMap<string, string> = new Map([])

export const fileCeiling = (
  files: Files,
  allowed: ReadonlyMap<string, string> = longFiles
): ReadonlyArray<Violation> => [
  ...[...files].flatMap(([path, text]) => {
    const lines = lineCount(text)
    return isPackageSource(path) && lines > sourceLinesMax && !allowed.has(path)
      ? [`${path} has ${lines} lines, the ceiling is ${sourceLinesMax}: look for the second concept`]
      : []
  }),
  ...[...allowed.keys()].flatMap((path) => {
    const lines = lineCount(files.get(path) ?? "")
    return lines > sourceLinesMax
      ? []
      : [`${path} is on the list of long files, but is not long: take it off`]
  })
]

interface ForbiddenText {
  readonly what: string
  readonly pattern: RegExp
  readonly where: (path: string) => boolean
}

const everywhere = (path: string): boolean => path !== "bun.lock"

// The patterns are written so that they do not find themselves.
const forbidden: ReadonlyArray<ForbiddenText> = [
  { what: "an open end", pattern: /\b(?:TO[D]O|FIX[M]E|X[X]X)\b/, where: everywhere },
  {
    what: "a test that does not run",
    pattern: /\.(?:skip|only|todo)\(/,
    where: (path) => /\.[cm]?[jt]s$/.test(path)
  },
  {
    what: "a path of one machine",
    pattern: /(?<![\w.~$}*/-])\/(?:work|root|opt|(?:home|Users)(?!\/(?:me|you|user)\b))\/(?=\w)/,
    where: everywhere
  },
  {
    what: "the host of a package registry",
    pattern: /\b(?:registry\.(?:npmjs|yarnpkg|npmmirror)\.|npm\.pkg\.github\.|localhost:487[3])/,
    where: everywhere
  }
]

/** Files that may hold a forbidden text, by what it is, each with its reason. */
export const allowedTexts: ReadonlyMap<string, { readonly what: string; readonly reason: string }> = new Map(
  []
)

/** One sentence for each line with a forbidden text. */
export const forbiddenTexts = (
  files: Files,
  allowed: typeof allowedTexts = allowedTexts
): ReadonlyArray<Violation> =>
  [...files].flatMap(([path, text]) =>
    forbidden
      .filter(({ where, what }) => where(path) && allowed.get(path)?.what !== what)
      .flatMap(({ what, pattern }) =>
        text
          .split("\n")
          .flatMap((line, index) =>
            pattern.test(line) ? [`${path}:${index + 1} has ${what}: ${line.trim().slice(0, 120)}`] : []
          )
      )
  )

const isPackageSource = (path: string): boolean => /^packages\/[^/]+\/src\//.test(path) && isSource(path)

/** A last newline ends a line, it does not begin one. */
const lineCount = (text: string): number => text.split("\n").length - (text.endsWith("\n") ? 1 : 0)
