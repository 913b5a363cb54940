/**
 * Reads an ECMAScript pattern into the program that `BoundedPattern.ts` searches with.
 * The built-in engine decides whether the pattern is valid; this reader only needs its structure.
 */

/** Longest pattern, in UTF-16 code units. */
export const patternLengthMax = 2_000
/** Most instructions that a pattern may unfold to: `(abc){100}` is 300. */
export const patternInstructionsMax = 2_000
/** Deepest nesting of groups. */
const groupDepthMax = 100
/** Characters whose fit is remembered per atom. */
const rememberedCharactersMax = 1_024

/** One instruction; `fork` goes on at each of `to`, every other one at the next. */
export type Instruction =
  | { readonly kind: "character"; readonly accepts: (character: string) => boolean }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "wordBoundary"; readonly negated: boolean }
  | { readonly kind: "lookahead"; readonly negated: boolean; readonly program: Program }
  | { readonly kind: "fork"; readonly to: ReadonlyArray<number> }
  | { readonly kind: "match" }
export type Program = ReadonlyArray<Instruction>

/** Why a pattern is not used. */
export class PatternRefused extends Error {
  constructor(
    readonly source: string,
    readonly reason: string
  ) {
    super(`The pattern ${source.length > 200 ? `${source.slice(0, 200)}…` : source} ${reason}`)
  }
}

/** The program of a pattern, and whether texts are read by code point (the `u` flag) or by code unit. */
export const parsePattern = (source: string): { readonly program: Program; readonly unicode: boolean } => {
  if (source.length > patternLengthMax) {
    throw new PatternRefused(source, `is longer than ${patternLengthMax} characters`)
  }
  const unicode = isValid(source, "u")
  if (!unicode && !isValid(source, "")) throw new PatternRefused(source, "is not a regular expression")
  const parser = new Parser(source, unicode)
  const node = parser.parse()
  return { program: assemble(source, node), unicode }
}

/** Whether the text is a regular expression, with or without the `u` flag. */
export const isPattern = (source: string): boolean =>
  source.length <= patternLengthMax && (isValid(source, "u") || isValid(source, ""))

const isValid = (source: string, flags: string): boolean => {
  try {
    return new RegExp(source, flags) instanceof RegExp
  } catch {
    return false
  }
}

type Node =
  | { readonly kind: "one"; readonly instruction: Exclude<Instruction, { kind: "fork" | "lookahead" }> }
  | { readonly kind: "sequence"; readonly nodes: ReadonlyArray<Node> }
  | { readonly kind: "choice"; readonly nodes: ReadonlyArray<Node> }
  | { readonly kind: "repeat"; readonly node: Node; readonly from: number; readonly to: number }
  | { readonly kind: "lookahead"; readonly node: Node; readonly negated: boolean }

/** A group's beginning, a class, an escape, or a repetition, each where the parser stands. */
const token = {
  refusedGroup: /\(\?(<[=!]|[-a-z]+:)/y,
  group: /\((\?(?::|=|!|<[^>]*>))?/y,
  class: /\[(?:\\[\s\S]|[^\]\\])*\]/y,
  backreference: /\\(?:[1-9]|k<|0\d)/y,
  unicodeEscape:
    /\\(?:u\{[0-9a-fA-F]+\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|.)/suy,
  escape: /\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[^c])/y,
  repeat: /(?:([*+?])|\{(\d+)(,(\d*))?\})\??/y
}

class Parser {
  #at = 0
  #depth = 0

  constructor(
    readonly source: string,
    readonly unicode: boolean
  ) {}

  parse(): Node {
    const node = this.#choice()
    if (this.#at < this.source.length) throw this.#refused(`cannot be read at character ${this.#at + 1}`)
    return node
  }

  #choice(): Node {
    const nodes = [this.#sequence()]
    while (this.source[this.#at] === "|") {
      this.#at += 1
      nodes.push(this.#sequence())
    }
    return { kind: "choice", nodes }
  }

  #sequence(): Node {
    const nodes: Array<Node> = []
    for (let next = this.source[this.#at]; next !== undefined; next = this.source[this.#at]) {
      if (next === "|" || next === ")") break
      nodes.push(this.#repeated(this.#term(next)))
    }
    return { kind: "sequence", nodes }
  }

  #repeated(node: Node): Node {
    const found = this.#take(token.repeat)
    if (found === undefined) return node
    const [, sign, from, comma, to] = found
    if (sign !== undefined) {
      return {
        kind: "repeat",
        node,
        from: sign === "+" ? 1 : 0,
        to: sign === "?" ? 1 : Number.POSITIVE_INFINITY
      }
    }
    const open = comma !== undefined && to === ""
    return {
      kind: "repeat",
      node,
      from: Number(from),
      to: open ? Number.POSITIVE_INFINITY : Number(to ?? from)
    }
  }

  #term(next: string): Node {
    if (next === "(") return this.#group()
    if (next === "[") return this.#atom(this.#take(token.class)?.[0])
    if (next === "\\") return this.#escape()
    if (next === "^" || next === "$") {
      this.#at += 1
      return { kind: "one", instruction: { kind: next === "^" ? "start" : "end" } }
    }
    if (next === ".") {
      this.#at += 1
      return this.#atom(".")
    }
    const literal = this.unicode ? String.fromCodePoint(this.source.codePointAt(this.#at) ?? 0) : next
    this.#at += literal.length
    return {
      kind: "one",
      instruction: { kind: "character", accepts: (character) => character === literal }
    }
  }

  #group(): Node {
    if (this.#take(token.refusedGroup) !== undefined) {
      throw this.#refused("uses lookbehind or inline flags, which patterns in schemas may not")
    }
    this.#depth += 1
    if (this.#depth > groupDepthMax) throw this.#refused(`nests groups deeper than ${groupDepthMax}`)
    const opening = this.#take(token.group)?.[1]
    const node = this.#choice()
    if (this.source[this.#at] !== ")") throw this.#refused("has a group without an end")
    this.#at += 1
    this.#depth -= 1
    return opening === "?=" || opening === "?!"
      ? { kind: "lookahead", node, negated: opening === "?!" }
      : node
  }

  #escape(): Node {
    if (this.#take(token.backreference) !== undefined) {
      throw this.#refused("uses a backreference or an octal escape, which patterns in schemas may not")
    }
    const text = this.#take(this.unicode ? token.unicodeEscape : token.escape)?.[0]
    if (text === "\\b" || text === "\\B") {
      return { kind: "one", instruction: { kind: "wordBoundary", negated: text === "\\B" } }
    }
    return this.#atom(text)
  }

  /** A class, an escape or the dot: the built-in engine says which single characters it takes. */
  #atom(text: string | undefined): Node {
    if (text === undefined) throw this.#refused(`cannot be read at character ${this.#at + 1}`)
    const single = new RegExp(`^(?:${text})$`, this.unicode ? "u" : "")
    const remembered = new Map<string, boolean>()
    const accepts = (character: string): boolean => {
      const known = remembered.get(character)
      if (known !== undefined) return known
      const fits = single.test(character)
      if (remembered.size < rememberedCharactersMax) remembered.set(character, fits)
      return fits
    }
    return { kind: "one", instruction: { kind: "character", accepts } }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.source) ?? undefined
    if (found !== undefined) this.#at += found[0].length
    return found
  }

  #refused(reason: string): PatternRefused {
    return new PatternRefused(this.source, reason)
  }
}

const assemble = (source: string, root: Node): Program => {
  let total = 0
  const program = (node: Node): Program => {
    const out: Array<Instruction> = []
    const put = (instruction: Instruction): number => {
      total += 1
      if (total > patternInstructionsMax) {
        throw new PatternRefused(source, `unfolds to more than ${patternInstructionsMax} instructions`)
      }
      return out.push(instruction) - 1
    }
    // A fork whose targets are not known yet is put first and set when they are.
    const reserve = (): number => put({ kind: "fork", to: [] })
    const emit = (each: Node): void => {
      if (each.kind === "one") put(each.instruction)
      else if (each.kind === "sequence") each.nodes.forEach(emit)
      else if (each.kind === "choice") emitChoice(each.nodes)
      else if (each.kind === "repeat") emitRepeat(each)
      else put({ kind: "lookahead", negated: each.negated, program: program(each.node) })
    }
    const emitChoice = (nodes: ReadonlyArray<Node>): void => {
      const [only] = nodes
      if (nodes.length === 1 && only !== undefined) {
        emit(only)
        return
      }
      const fork = reserve()
      const starts: Array<number> = []
      const ends: Array<number> = []
      for (const node of nodes) {
        starts.push(out.length)
        emit(node)
        ends.push(reserve())
      }
      out[fork] = { kind: "fork", to: starts }
      for (const end of ends) out[end] = { kind: "fork", to: [out.length] }
    }
    const emitRepeat = (repeat: Extract<Node, { kind: "repeat" }>): void => {
      for (let count = 0; count < repeat.from; count++) {
        const before = out.length
        emit(repeat.node)
        // What unfolds to nothing does so however often; a count of billions must not be walked.
        if (out.length === before) break
      }
      if (repeat.to === Number.POSITIVE_INFINITY) {
        const fork = reserve()
        emit(repeat.node)
        put({ kind: "fork", to: [fork] })
        out[fork] = { kind: "fork", to: [out.length, fork + 1] }
        return
      }
      const forks: Array<number> = []
      for (let count = repeat.from; count < repeat.to; count++) {
        forks.push(reserve())
        emit(repeat.node)
      }
      for (const fork of forks) out[fork] = { kind: "fork", to: [out.length, fork + 1] }
    }
    emit(node)
    put({ kind: "match" })
    return out
  }
  return program(root)
}
