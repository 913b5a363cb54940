/**
 * The laws that hold for every aggregate, as property tests: over facts of any shape in any order, and over commands in any
 * order. A failure prints its seed and the smallest case that shows it.
 *
 * 1. Every fact comes back from the log as it was.
 * 2. `evolve` never throws, never changes what it was given, and leaves a document that fits its schema, or none.
 * 3. The view of all facts is the view of the first ones, stored and loaded, and then the rest; so is a rebuilt one.
 * 4. Whatever `decide` gives fits its schema and folds.
 */
import { describe, expect } from "bun:test"
import * as Arbitrary from "effect/Arbitrary"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { type Aggregate, streamOf } from "../store/Aggregate.ts"
import { Projector } from "../store/Projector.ts"
import { it } from "./effectTest.ts"

/** An aggregate with what is needed to make cases for it. */
export interface LawfulAggregate<
  Document,
  DocumentEncoded,
  Fact extends { readonly _tag: string },
  FactEncoded,
  Command,
  Rejection
> {
  readonly aggregate: Aggregate<Document, Fact, Command, Rejection>
  readonly fact: Schema.Schema<Fact, FactEncoded>
  readonly document: Schema.Schema<Document, DocumentEncoded>
  /** The key of the thing that all cases are about. */
  readonly key: string
  /** Facts that belong together; mixed into the made-up ones, so that they meet. */
  readonly facts: ReadonlyArray<Fact>
  /** Commands that belong together. */
  readonly commands: ReadonlyArray<Command>
}

/** How many facts or commands a case has at most. */
const lengthMax = 24

/** Registers the laws as tests of `bun:test`. */
export const aggregateLaws = <
  Document,
  DocumentEncoded,
  Fact extends { readonly _tag: string },
  FactEncoded,
  Command,
  Rejection
>(
  lawful: LawfulAggregate<Document, DocumentEncoded, Fact, FactEncoded, Command, Rejection>
): void => {
  const { aggregate, document, key } = lawful
  const fitsDocument = Schema.is(document)
  const fitsFact = Schema.is(lawful.fact)
  const facts = arbitraryFacts(lawful.fact, lawful.facts)
  const inAnyOrder = drawnBy(FastCheck.array(FastCheck.tuple(facts, times), { maxLength: lengthMax }))

  /** One step of a fold, held to law 2. */
  const step = (before: Document | undefined, fact: Fact, at: number): Document | undefined => {
    const after = aggregate.evolve(deepFrozen(before), fact, { key, at })
    if (after !== undefined) expect({ fits: fitsDocument(after), after }).toMatchObject({ fits: true })
    return after
  }

  describe(`laws of ${aggregate.name}`, () => {
    it.prop("every fact comes back from the log as it was", drawnBy(facts), (fact) => {
      expect(aggregate.decodeFact(fact._tag, aggregate.encodeFact(fact))).toEqual(fact)
    })

    it.prop("evolve is total in any order", inAnyOrder, (placed) => {
      placed.reduce<Document | undefined>((before, [fact, at]) => step(before, fact, at), undefined)
    })

    const withCut = drawnBy(
      FastCheck.tuple(FastCheck.array(facts, { maxLength: lengthMax }), FastCheck.nat({ max: lengthMax }))
    )
    it.prop("the view of all is the view of a prefix and then the rest", withCut, ([all, cut]) => {
      const fold = (before: Document | undefined, some: ReadonlyArray<Fact>) =>
        some.reduce<Document | undefined>((document, fact) => step(document, fact, 0), before)
      const whole = asStored(fold(undefined, all))
      expect(asStored(fold(asStored(fold(undefined, all.slice(0, cut))), all.slice(cut)))).toEqual(whole)
      expect(rebuilt(aggregate, key, all)).toEqual(whole)
    })

    const commands = drawnBy(
      FastCheck.array(FastCheck.constantFrom(...lawful.commands), { maxLength: lengthMax })
    )
    it.prop("whatever decide gives fits its schema and folds", commands, (sequence) => {
      let document: Document | undefined
      for (const command of sequence) {
        const decision = aggregate.decide(command, deepFrozen(document), key)
        for (const fact of Either.getOrElse(decision, () => [])) {
          expect({ fits: fitsFact(fact), fact }).toMatchObject({ fits: true })
          document = step(document, fact, 0)
        }
      }
    })
  })
}

/** A schema of what a generator draws, for `it.prop`: the laws are about the cases, not about their schema. */
export const drawnBy = <A>(arbitrary: FastCheck.Arbitrary<A>): Schema.Schema<A> =>
  Schema.declare((value): value is A => value !== undefined, { arbitrary: () => () => arbitrary })

/**
 * Facts of the schema as they may stand in a log: what JSON cannot say is not in them. Every other one is an example, so
 * that facts of one case are about the same things.
 */
export const arbitraryFacts = <Fact, Encoded>(
  schema: Schema.Schema<Fact, Encoded>,
  examples: ReadonlyArray<Fact>
): FastCheck.Arbitrary<Fact> => {
  const asJson = Arbitrary.make(schema)
    .map((fact) => Either.getRight(Schema.decodeUnknownEither(schema)(asStored(fact))))
    .filter((fact) => fact._tag === "Some")
    .map((fact) => fact.value)
  return FastCheck.oneof(asJson, FastCheck.constantFrom(...examples))
}

// --- internal ---

/** Milliseconds since the Unix epoch, up to the year 9999. */
const times = FastCheck.nat({ max: 253_402_300_799_999 })

const asStored = <A>(value: A): A => (value === undefined ? value : JSON.parse(JSON.stringify(value)))

const deepFrozen = <A>(value: A): A => {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFrozen)
  }
  return value
}

const rebuilt = <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
  aggregate: Aggregate<Document, Fact, Command, Rejection>,
  key: string,
  facts: ReadonlyArray<Fact>
): unknown => {
  const projector = new Projector([aggregate])
  const stream = streamOf(aggregate, key)
  facts.forEach((fact, index) => {
    const data = aggregate.encodeFact(fact)
    projector.apply({ stream, version: index + 1, at: 0, type: fact._tag, data, position: index + 1 })
  })
  const value = projector.document(stream)?.value
  return value === undefined ? undefined : JSON.parse(value)
}
