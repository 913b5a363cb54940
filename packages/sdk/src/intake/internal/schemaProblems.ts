/** Turns the issues of a schema into one line per wrong field: its path, what was expected, what was found. */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { quote } from "../Redact.ts"

/** One wrong field. `found` shows a value shortened and redacted, never a secret's. */
export interface FieldProblem {
  /** For instance `sources[2].repo.fullName`. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

/** Most problems that are reported of one value. */
const problemsMax = 50

/** The wrong fields of a value, under the path at which it stands. */
export const schemaProblems = (issue: ParseResult.ParseIssue, path: string): ReadonlyArray<FieldProblem> => {
  const problems: Array<FieldProblem> = []
  collect(issue, path, undefined, problems)
  // A union reports each of its members; the first one says enough.
  const paths = new Set<string>()
  return problems.filter((one) => !paths.has(one.path) && paths.add(one.path)).slice(0, problemsMax)
}

/** The wrong fields as lines `path: expected …, found …`. */
export const formatProblem = (problem: FieldProblem): string =>
  `${problem.path}: expected ${problem.expected}, found ${problem.found}`

/** What stands at a place, in words. A text is quoted, except under a name that speaks of a secret. */
export const describeValue = (value: unknown, path: string): string => {
  if (value === undefined) return "nothing"
  if (value === null) return "null"
  if (Array.isArray(value)) return "a list"
  if (typeof value === "object") return "an object"
  if (typeof value !== "string") return String(value)
  if (/secret|token|password/i.test(path)) return `a text of ${value.length} characters`
  return value === "" ? "an empty string" : quote(value)
}

// --- internal ---

const pathTo = (path: string, keys: ParseResult.Path): string =>
  Arr.ensure(keys).reduce<string>(
    (so, key) => (typeof key === "number" ? `${so}[${key}]` : `${so}.${String(key)}`),
    path
  )

/** The words that the schema itself gives, if any. */
const wordsOf = (ast: SchemaAST.AST): string | undefined =>
  Option.getOrUndefined(SchemaAST.getDescriptionAnnotation(ast))

const collect = (
  issue: ParseResult.ParseIssue,
  path: string,
  /** The words of the outermost schema around this issue: they say more than those of its parts. */
  outer: string | undefined,
  problems: Array<FieldProblem>
): void => {
  switch (issue._tag) {
    case "Pointer": {
      collect(issue.issue, pathTo(path, issue.path), undefined, problems)
      return
    }
    case "Composite": {
      for (const inner of Arr.ensure(issue.issues))
        collect(inner, path, outer ?? wordsOf(issue.ast), problems)
      return
    }
    case "Refinement":
    case "Transformation": {
      collect(issue.issue, path, outer ?? wordsOf(issue.ast), problems)
      return
    }
    case "Missing": {
      const words = Option.getOrUndefined(SchemaAST.getDescriptionAnnotation(issue.ast.type))
      problems.push({ path, expected: words ?? outer ?? String(issue.ast), found: "nothing" })
      return
    }
    case "Unexpected": {
      problems.push({ path, expected: "no such field", found: describeValue(issue.actual, path) })
      return
    }
    case "Type":
    case "Forbidden": {
      // "Nothing" is what every optional field might also be: no help to somebody who wrote something.
      if ("ast" in issue && SchemaAST.isUndefinedKeyword(issue.ast)) return
      const expected =
        outer ?? ("ast" in issue ? (wordsOf(issue.ast) ?? String(issue.ast)) : "something else")
      problems.push({ path, expected, found: describeValue(issue.actual, path) })
    }
  }
}

/** Kept for its type: what {@link schemaProblems} walks comes from decoding with `errors: "all"`. */
export const allErrors = { errors: "all", onExcessProperty: "ignore" } as const satisfies Parameters<
  typeof Schema.decodeUnknownEither
>[1]
