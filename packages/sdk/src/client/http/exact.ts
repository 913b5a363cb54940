/** What was read from JSON, as a type without `undefined`: a field is there with a value, or it is not there. */

/** The type with `undefined` taken out of every field, also of optional ones. */
export type Exact<A> = unknown extends A
  ? A
  : A extends string | number | boolean | null | undefined
    ? A
    : A extends ReadonlyArray<infer Item>
      ? ReadonlyArray<Exact<Item>>
      : { readonly [Field in keyof A]: Exact<Exclude<A[Field], undefined>> }

/** Gives a value that was decoded from JSON its exact type: JSON has no `undefined`, which no schema can say. */
export const exact = <A>(decoded: A): Exact<A> => decoded as Exact<A>
