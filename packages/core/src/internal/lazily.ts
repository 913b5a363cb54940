/** Makes a value when it is first asked for: a schema that most starts never need costs each of them a part of a millisecond. */
export const lazily = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
