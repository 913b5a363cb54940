/**
 * The number in a patch's name, which orders the stack and is no part of what the patch is called. Pure.
 *
 * Patches are applied in the order of their names by code unit, so `patch/010-login` comes before `patch/020-theme`. To put a
 * patch somewhere else is to give it another number.
 */

/** The name without its number: `patch/010-login` and `patch/login` are names of the same patch. */
export const withoutNumber = (name: string): string => name.replace(/(^|\/)\d+[-_.](?=[^/])/, "$1")

/** A name in an order that is to come true. */
export interface PlacedName {
  readonly name: string
  /** Whether it may be changed before others are: it is the one that moves, or a new one. */
  readonly free: boolean
}

/** Step between the numbers when all of them are given anew. */
export const numberStep = 10

/**
 * Names for the same patches that sort in the given order.
 *
 * Nothing is renamed when the names already do. Else only free names are, to numbers between those of their neighbours.
 * Where there is no room, or no number to go by, all of them get numbers anew, in steps of `numberStep`.
 */
export const arrangeNames = (prefix: string, order: ReadonlyArray<PlacedName>): ReadonlyArray<string> => {
  const asTheyAre = order.map(({ name }) => name)
  if (isSorted(asTheyAre)) return asTheyAre
  const between = withFreeNumbers(prefix, order)
  if (between !== null && isSorted(between)) return between
  const width = Math.max(3, String(order.length * numberStep).length)
  return order.map(({ name }, at) => numbered(prefix, name, (at + 1) * numberStep, width))
}

// --- internal ---

const isSorted = (names: ReadonlyArray<string>): boolean =>
  names.every((name, at) => at === 0 || (names[at - 1] ?? "") < name)

interface NameParts {
  /** `null` without a number. */
  readonly number: number | null
  /** Digits of the number as it is written. */
  readonly width: number
  readonly stem: string
}

const partsOf = (prefix: string, name: string): NameParts => {
  const own = name.startsWith(prefix) ? name.slice(prefix.length) : name
  const found = /^(\d{1,9})[-_.](?=[^/])/.exec(own)
  if (found === null) return { number: null, width: 0, stem: own }
  const digits = found[1] ?? ""
  return { number: Number(digits), width: digits.length, stem: own.slice(found[0].length) }
}

const numbered = (prefix: string, name: string, number: number, width: number): string =>
  `${prefix}${String(number).padStart(width, "0")}-${partsOf(prefix, name).stem}`

/** Numbers for each run of free names, spread evenly between those of the fixed names around it; `null` without room. */
const withFreeNumbers = (prefix: string, order: ReadonlyArray<PlacedName>): ReadonlyArray<string> | null => {
  const parts = order.map(({ name }) => partsOf(prefix, name))
  const width = Math.max(...parts.map((part) => part.width))
  if (width === 0) return null
  const names: Array<string> = []
  for (let at = 0; at < order.length; ) {
    let end = at
    while (order[end]?.free === true) end++
    if (end === at) {
      names.push(order[at]?.name ?? "")
      at++
      continue
    }
    const before = at === 0 ? 0 : (parts[at - 1]?.number ?? null)
    const count = end - at
    const after =
      end === order.length
        ? before === null
          ? null
          : before + numberStep * (count + 1)
        : (parts[end]?.number ?? null)
    if (before === null || after === null || after - before <= count) return null
    for (let each = 0; each < count; each++) {
      const number = before + Math.floor(((after - before) * (each + 1)) / (count + 1))
      names.push(numbered(prefix, order[at + each]?.name ?? "", number, width))
    }
    at = end
  }
  return names
}
