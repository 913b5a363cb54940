/**
 * Given these facts, when this is commanded, then these facts follow: tests of an aggregate without a store.
 *
 * ```ts
 * given(Runs, "run_1", queued).when({ _tag: "Cancel" }).then(cancelRequested, ended).document({ processStatus: "canceled" })
 * given(Runs, "run_1").when({ _tag: "Cancel" }).thenRejected("UnknownRun")
 * ```
 *
 * Each fact, given or decided, also goes through its codec: one that does not come back from the log as it was fails the test.
 */
import { expect } from "bun:test"
import * as Either from "effect/Either"
import type { Aggregate } from "../store/Aggregate.ts"

/** What happened so far. */
export interface Given<Document, Command, Fact, Rejection> {
  /** The document of the facts so far. */
  readonly document: Document | undefined
  /** The time at which what follows happens, in milliseconds since the Unix epoch. Default: 0, as for the facts before. */
  readonly at: (millis: number) => Given<Document, Command, Fact, Rejection>
  /** Further facts, at the time that {@link at} set. */
  readonly and: (...facts: ReadonlyArray<Fact>) => Given<Document, Command, Fact, Rejection>
  /** Decides a command; nothing is checked yet. */
  readonly when: (command: Command) => Decided<Document, Fact>
}

/** What was decided. Every check gives it back, so that checks can follow each other. */
export interface Decided<Document, Fact> {
  /** Exactly these facts follow. */
  readonly then: (...facts: ReadonlyArray<Fact>) => Decided<Document, Fact>
  /** The command is refused with the error of this tag; its message must say something. */
  readonly thenRejected: (tag: string) => Decided<Document, Fact>
  /** The command is not refused, and nothing follows: it is already so. */
  readonly thenNothing: () => Decided<Document, Fact>
  /** The document after the decision has at least these fields; undefined: there is none. */
  readonly document: (expected: Partial<Document> | undefined) => Decided<Document, Fact>
}

/** Starts with the facts of one thing, in order, at time 0. */
export const given = <
  Document,
  Fact extends { readonly _tag: string },
  Command,
  Rejection extends { readonly _tag: string; readonly message: string }
>(
  aggregate: Aggregate<Document, Fact, Command, Rejection>,
  key: string,
  ...facts: ReadonlyArray<Fact>
): Given<Document, Command, Fact, Rejection> => {
  const fold = (document: Document | undefined, added: ReadonlyArray<Fact>, at: number) =>
    added.reduce<Document | undefined>((before, fact) => {
      expectThroughLog(aggregate, fact)
      return aggregate.evolve(before, fact, { key, at })
    }, document)

  const continued = (
    document: Document | undefined,
    at: number
  ): Given<Document, Command, Fact, Rejection> => ({
    document,
    at: (millis) => continued(document, millis),
    and: (...added) => continued(fold(document, added, at), at),
    when: (command) => {
      const decision = aggregate.decide(command, document, key)
      const after = Either.isRight(decision) ? fold(document, decision.right, at) : document
      return decided(decision, after)
    }
  })
  return continued(fold(undefined, facts, 0), 0)
}

// --- internal ---

const decided = <Document, Fact>(
  decision: Either.Either<ReadonlyArray<Fact>, { readonly _tag: string; readonly message: string }>,
  document: Document | undefined
): Decided<Document, Fact> => {
  const checks: Decided<Document, Fact> = {
    // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words; a decision is never awaited.
    then: (...facts) => {
      expect(outcomeOf(decision)).toEqual({ facts })
      return checks
    },
    thenRejected: (tag) => {
      expect(outcomeOf(decision)).toMatchObject({ rejected: tag })
      expect(Either.isLeft(decision) && decision.left.message.length).toBeGreaterThan(0)
      return checks
    },
    thenNothing: () => {
      expect(outcomeOf(decision)).toEqual({ facts: [] })
      return checks
    },
    document: (expected) => {
      if (expected === undefined) expect(document).toBeUndefined()
      else expect({ document }).toMatchObject({ document: expected })
      return checks
    }
  }
  return checks
}

/** The decision as plain data, so that a failed check shows both sides whole. */
const outcomeOf = <Fact>(decision: Either.Either<ReadonlyArray<Fact>, { readonly _tag: string }>) =>
  Either.match(decision, {
    onLeft: (rejection) => ({ rejected: rejection._tag, rejection }),
    onRight: (facts) => ({ facts })
  })

const expectThroughLog = <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
  aggregate: Aggregate<Document, Fact, Command, Rejection>,
  fact: Fact
): void => {
  expect({ fact: aggregate.decodeFact(fact._tag, aggregate.encodeFact(fact)) }).toEqual({ fact })
}
