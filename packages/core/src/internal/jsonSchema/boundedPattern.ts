/**
 * Regular expressions from people who write schemas, run so that no text can make them slow.
 *
 * A backtracking engine needs half a second for `^(a+)+$` on 28 characters, and twice that for each further
 * one. Refusing nested quantifiers would refuse `^\d+(\.\d+)*$` with them. So a pattern is parsed here into a
 * small program whose search visits each pair of instruction and position at most once: the cost is bounded by
 * program length times text length, whatever the pattern. What a single character matches is left to the
 * built-in engine, which is exact and cannot blow up on one character.
 *
 * Not supported, and refused with a reason: backreferences, lookbehind, inline flags.
 */
import { type Instruction, type Program, parsePattern } from "./patternParser.ts"

export { PatternRefused, patternInstructionsMax, patternLengthMax } from "./patternParser.ts"

/** Longest text that a pattern is tried on, in characters. */
export const patternTextLengthMax = 65_536
/** Most steps that one test of one text may take; about 0.2 s. Only nested lookaheads over long texts come near. */
export const patternStepsMax = 10_000_000

/** A text was too long, or a pattern needed too many steps on it: it neither fits nor fails to fit. */
export class PatternTooCostly extends Error {}

/** A pattern with the meaning that ECMAScript gives it, searched in bounded time. */
export interface BoundedPattern {
  /** Whether the pattern occurs in the text. Throws {@link PatternTooCostly}. */
  readonly test: (text: string) => boolean
  /** The source; unlike for every other pattern. */
  readonly toString: () => string
}

/**
 * Compiles a pattern. The `u` flag holds where the pattern is valid under it, as JSON Schema recommends;
 * else the pattern is read without it, because escapes such as `\-` are common in schemas.
 *
 * Throws `PatternRefused` with the reason when the pattern is invalid or uses what is not supported.
 */
export const compileBoundedPattern = (source: string): BoundedPattern => {
  const { program, unicode } = parsePattern(source)
  return {
    test: (text) => {
      if (text.length > patternTextLengthMax) {
        throw new PatternTooCostly(
          `is longer than ${patternTextLengthMax} characters, the most that a pattern is tried on`
        )
      }
      return occurs(program, unicode ? Array.from(text) : text.split(""))
    },
    toString: () => `/${source}/${unicode ? "u" : ""}`
  }
}

const occurs = (program: Program, characters: ReadonlyArray<string>): boolean => {
  const search = new Search(characters)
  for (let start = 0; start <= characters.length; start++) {
    if (search.matchesAt(program, start)) return true
  }
  return false
}

/** One search of one text. What failed once fails again, so failures are remembered over all starts. */
class Search {
  readonly #characters: ReadonlyArray<string>
  readonly #failed = new Map<Program, Uint8Array>()
  #steps = 0

  constructor(characters: ReadonlyArray<string>) {
    this.#characters = characters
  }

  matchesAt(program: Program, start: number): boolean {
    const width = this.#characters.length + 1
    const failed = this.#failed.get(program) ?? new Uint8Array(Math.ceil((program.length * width) / 8))
    this.#failed.set(program, failed)
    const visited: Array<number> = []
    // Pairs of instruction and position that remain to be tried, as `instruction * width + position`.
    const waiting = [start]
    for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
      const byte = pair >> 3
      const bit = 1 << (pair & 7)
      const seen = failed[byte] ?? 0
      if ((seen & bit) !== 0) continue
      failed[byte] = seen | bit
      visited.push(pair)
      this.#countStep()
      const at = Math.floor(pair / width)
      const position = pair % width
      const instruction = program[at]
      if (instruction === undefined) continue
      if (instruction.kind === "match") {
        // Some of what this start visited leads to the match, so none of it may count as failed.
        for (const each of visited) failed[each >> 3] = (failed[each >> 3] ?? 0) & ~(1 << (each & 7))
        return true
      }
      if (instruction.kind === "fork") {
        for (const target of instruction.to) waiting.push(target * width + position)
      } else {
        const consumed = this.#consumes(instruction, position)
        if (consumed !== undefined) waiting.push((at + 1) * width + position + consumed)
      }
    }
    return false
  }

  /** How many characters the instruction takes here, or `undefined` when it does not fit. */
  #consumes(
    instruction: Exclude<Instruction, { kind: "match" | "fork" }>,
    position: number
  ): number | undefined {
    const next = this.#characters[position]
    switch (instruction.kind) {
      case "character":
        return next !== undefined && instruction.accepts(next) ? 1 : undefined
      case "start":
        return position === 0 ? 0 : undefined
      case "end":
        return next === undefined ? 0 : undefined
      case "wordBoundary": {
        const boundary = isWord(this.#characters[position - 1]) !== isWord(next)
        return boundary !== instruction.negated ? 0 : undefined
      }
      case "lookahead":
        return this.matchesAt(instruction.program, position) !== instruction.negated ? 0 : undefined
    }
  }

  #countStep(): void {
    this.#steps += 1
    if (this.#steps > patternStepsMax) {
      throw new PatternTooCostly(`needs more than ${patternStepsMax} steps to be tried on a pattern`)
    }
  }
}

const isWord = (character: string | undefined): boolean =>
  character !== undefined && /^[A-Za-z0-9_]$/.test(character)
