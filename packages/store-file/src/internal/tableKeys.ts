/** The keys of a store's table. U+0000 ends each part, which no name of a view and no stream has reason to hold. */

const digits = 16

const wide = (number: number): string => String(number).padStart(digits, "0")

/** The version of a stream, and the position of its first fact. */
export const streamKey = (stream: string): string => `s\0${stream}`

/** A document. */
export const documentKey = (view: string, key: string): string => `d\0${view}\0${key}`

/** What the keys of an index begin with; the sort key follows. */
export const indexStart = (view: string, index: string): string => `i\0${view}\0${index}\0`

/** What the keys with the positions of a stream begin with; the version of the first of them follows. */
export const positionsStart = (stream: string): string => `p\0${stream}\0`

/** The positions of a stream's facts from this version on. */
export const positionsKey = (stream: string, version: number): string =>
  `${positionsStart(stream)}${wide(version)}`

/** Where the fact at this position lies. Not every fact has such a key. */
export const offsetKey = (position: number): string => `o\0${wide(position)}`

/** The position in an {@link offsetKey}; undefined for another key. */
export const positionOf = (key: string): number | undefined =>
  key.startsWith("o\0") ? Number(key.slice(2)) : undefined
