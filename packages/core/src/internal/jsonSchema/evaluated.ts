/**
 * Corrects what the validator counts as evaluated, for `unevaluatedProperties` and `unevaluatedItems` of draft 2020-12.
 *
 * The validator keeps the evaluated names as a constant while it generates code, and turns them into a variable
 * inside the first branch that adds to them: where that branch is not taken, the names are lost and good payloads
 * are refused. It also keeps the names of an `if` that did not hold, and ignores an `if` without `then` and `else`.
 * Here the variable is made before any branch, and `if` is generated anew (specification: JSON Schema 2020-12
 * core, sections 10.2.2 and 11). Names are data of the generated code, never code: they go through the
 * validator's own quoting.
 */
import type { CodeKeywordDefinition, KeywordCxt, KeywordDefinition, Name } from "ajv"

/** What of the validator's code generation is used. */
export interface Generation {
  readonly getKeyword: (keyword: string) => KeywordDefinition | boolean
  readonly _: typeof import("ajv")._
  readonly Name: typeof Name
}

/** Keywords that add evaluated names in a branch. */
const branching = ["anyOf", "oneOf", "dependentSchemas"]

/** Corrects the keywords of one validator; no other validator is touched. */
export const correctEvaluated = (generation: Generation): void => {
  for (const keyword of branching) {
    const definition = codeKeyword(generation, keyword)
    const { code } = definition
    definition.code = (context, ruleType) => {
      evaluatedAsVariables(generation, context)
      code(context, ruleType)
    }
  }
  codeKeyword(generation, "if").code = (context) => generateIf(generation, context)
}

const codeKeyword = ({ getKeyword }: Generation, keyword: string): CodeKeywordDefinition => {
  const definition = getKeyword(keyword)
  if (typeof definition === "boolean" || !("code" in definition)) {
    throw new TypeError(`The JSON Schema validator has no keyword ${keyword} to correct`)
  }
  return definition
}

const evaluatedAsVariables = ({ _, Name }: Generation, { gen, it }: KeywordCxt): void => {
  if (it.opts.unevaluated !== true) return
  if (it.props !== true && !(it.props instanceof Name)) {
    const props = gen.var("props", _`{}`)
    for (const name of Object.keys(it.props ?? {})) gen.assign(_`${props}[${name}]`, true)
    it.props = props
  }
  if (it.items !== true && !(it.items instanceof Name)) it.items = gen.var("items", it.items ?? 0)
}

const generateIf = (generation: Generation, context: KeywordCxt): void => {
  const { gen, it, parentSchema } = context
  const { Name } = generation
  evaluatedAsVariables(generation, context)
  const valid = gen.let("valid", true)
  const holds = gen.name("_valid")
  const condition = context.subschema(
    { keyword: "if", compositeRule: true, createErrors: false, allErrors: false },
    holds
  )
  context.reset()
  const clause = gen.let("ifClause")
  context.setParams({ ifClause: clause })
  const branch = (keyword: "then" | "else"): void => {
    if (keyword === "then" && it.opts.unevaluated === true) context.mergeEvaluated(condition, Name)
    if (parentSchema[keyword] === undefined) return
    const branchHolds = gen.name("_valid")
    const evaluated = context.subschema({ keyword }, branchHolds)
    gen.assign(valid, branchHolds)
    gen.assign(clause, generation._`${keyword}`)
    context.mergeValidEvaluated(evaluated, valid)
  }
  gen.if(
    holds,
    () => branch("then"),
    () => branch("else")
  )
  context.pass(valid, () => context.error(true))
}
