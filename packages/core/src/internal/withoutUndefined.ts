/** An object literal with the keys left out whose value is undefined, as `exactOptionalPropertyTypes` wants it. */

type UndefinedKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T]

type WithoutUndefined<T> = {
  [K in keyof T as K extends UndefinedKeys<T> ? never : K]: T[K]
} & { [K in UndefinedKeys<T>]?: Exclude<T[K], undefined> }

/** Leaves out the keys whose value is undefined. */
export const withoutUndefined = <const T extends object>(fields: T): WithoutUndefined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WithoutUndefined<T>
