/**
 * Effect on `bun:test`. A test is an Effect with a Scope; its layers are given with `Effect.provide`
 * or shared by {@link layer}. Under `it.effect` time is `TestClock`, under `it.live` it is the real one.
 */
import { afterAll, beforeAll, describe, test } from "bun:test"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as TestContext from "effect/TestContext"
import type * as TestServices from "effect/TestServices"

/** How long a test may take before it fails, in milliseconds, unless it says otherwise. */
const testMillisMax = 30_000

const quiet = Logger.remove(Logger.defaultLogger)

const runToPromise = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return exit.value
  const [first] = Cause.prettyErrors(exit.cause)
  throw first ?? new Error(Cause.pretty(exit.cause))
}

/** A test body that needs the services `R`. */
type Body<A, E, R> = () => Effect.Effect<A, E, R>

interface Methods<R> {
  /** A test under `TestClock`: time stands still until `TestClock.adjust`. */
  readonly effect: <A, E>(
    name: string,
    body: Body<A, E, R | Scope.Scope | TestServices.TestServices>,
    timeoutMillis?: number
  ) => void
  /** A test in real time, for real processes, files and sockets. */
  readonly live: <A, E>(name: string, body: Body<A, E, R | Scope.Scope>, timeoutMillis?: number) => void
}

const methods = <R>(run: <A, E>(effect: Effect.Effect<A, E, R>) => Promise<A>): Methods<R> => ({
  effect: (name, body, timeoutMillis = testMillisMax) =>
    test(
      name,
      () =>
        run(Effect.scoped(body()).pipe(Effect.provide(Layer.merge(TestContext.TestContext, quiet))) as never),
      timeoutMillis
    ),
  live: (name, body, timeoutMillis = testMillisMax) =>
    test(name, () => run(Effect.scoped(body()).pipe(Effect.provide(quiet)) as never), timeoutMillis)
})

/** Tests as Effects; `it.prop` checks a law over values that a schema describes. */
export const it = {
  ...methods<never>(runToPromise),
  /** A law that holds for every value of the schema. The seed is printed with the first counterexample. */
  prop: <A, I>(
    name: string,
    schema: Schema.Schema<A, I>,
    law: (value: A) => void,
    options: { readonly runs?: number } = {}
  ): void => {
    test(
      name,
      () => {
        FastCheck.assert(FastCheck.property(Arbitrary.make(schema), law), { numRuns: options.runs ?? 100 })
      },
      testMillisMax
    )
  }
}

/** A block of tests that share one build of a layer; it is released after the last test. */
export const layer = <R, E>(
  name: string,
  shared: Layer.Layer<R, E>,
  block: (it: Methods<R>) => void
): void => {
  describe(name, () => {
    const runtime = ManagedRuntime.make(shared)
    beforeAll(async () => {
      await runtime.runtime()
    })
    afterAll(() => runtime.dispose())
    block(
      methods<R>((effect) =>
        runtime.runPromiseExit(effect).then((exit) => runToPromise(Effect.suspend(() => exit)))
      )
    )
  })
}
