/**
 * A three-way merge of texts line by line, with the rules of git: changes of both sides that touch each other are a conflict
 * unless they are the same, and everything else is taken.
 *
 * Lines are compared byte for byte with their line ends. The differences are found by Myers' algorithm ("An O(ND) Difference
 * Algorithm and Its Variations", 1986); texts that differ by more than `editsMax` lines are left to a person.
 */

/** Lines that may differ between base and a side. Time and memory grow with the square of it. */
export const editsMax = 2_000

/** Longest text, in bytes. */
export const lineMergeBytesMax = 4 * 1024 * 1024

/** The merged text, or the text with the conflicts marked in zdiff3 style. */
export interface LineMerge {
  readonly clean: boolean
  readonly text: Buffer
}

export interface LineMergeOptions {
  readonly base: Buffer
  readonly ours: Buffer
  readonly theirs: Buffer
  /** What the markers say. */
  readonly labels: { readonly base: string; readonly ours: string; readonly theirs: string }
}

/** Merges, or gives `null` when a text is too long or too different. */
export const mergeLines = (options: LineMergeOptions): LineMerge | null => {
  const texts = [options.base, options.ours, options.theirs]
  if (texts.some((text) => text.length > lineMergeBytesMax)) return null
  const [base = [], ours = [], theirs = []] = texts.map(linesOf)
  const ourHunks = differences(base, ours)
  const theirHunks = differences(base, theirs)
  if (ourHunks === null || theirHunks === null) return null
  const merged: Array<string> = []
  let clean = true
  let at = 0
  for (const region of regionsOf(ourHunks, theirHunks)) {
    merged.push(...base.slice(at, region.start))
    at = region.end
    const original = base.slice(region.start, region.end)
    const left = sideOf(original, ours, region, region.ours)
    const right = sideOf(original, theirs, region, region.theirs)
    if (region.theirs.length === 0 || isSame(left, right)) merged.push(...left)
    else if (region.ours.length === 0) merged.push(...right)
    else {
      clean = false
      merged.push(...marked(original, left, right, options.labels))
    }
  }
  merged.push(...base.slice(at))
  return { clean, text: Buffer.from(merged.join(""), "latin1") }
}

// --- internal ---

/** A change: lines `start` to `end` of the base become lines `from` to `to` of the side. */
interface Hunk {
  readonly start: number
  readonly end: number
  readonly from: number
  readonly to: number
}

/** Lines of the base that changes touch which touch each other. */
interface Region {
  readonly start: number
  readonly end: number
  readonly ours: ReadonlyArray<Hunk>
  readonly theirs: ReadonlyArray<Hunk>
}

/** One byte is one character, so that no encoding is disturbed. */
const linesOf = (text: Buffer): ReadonlyArray<string> =>
  text.toString("latin1").match(/[^\n]*\n|[^\n]+$/g) ?? []

const isSame = (left: ReadonlyArray<string>, right: ReadonlyArray<string>): boolean =>
  left.length === right.length && left.every((line, at) => line === right[at])

/** Joins the changes of both sides that touch. Two changes of one side never touch by themselves. */
const regionsOf = (ours: ReadonlyArray<Hunk>, theirs: ReadonlyArray<Hunk>): ReadonlyArray<Region> => {
  const all = [
    ...ours.map((hunk) => ({ hunk, side: "ours" as const })),
    ...theirs.map((hunk) => ({ hunk, side: "theirs" as const }))
  ].sort((a, b) => a.hunk.start - b.hunk.start || a.hunk.end - b.hunk.end)
  const regions: Array<{ start: number; end: number; ours: Array<Hunk>; theirs: Array<Hunk> }> = []
  for (const { hunk, side } of all) {
    let last = regions.at(-1)
    if (last === undefined || hunk.start > last.end) {
      last = { start: hunk.start, end: hunk.end, ours: [], theirs: [] }
      regions.push(last)
    }
    last.end = Math.max(last.end, hunk.end)
    last[side].push(hunk)
  }
  return regions
}

/** What a side has in the place of the region. */
const sideOf = (
  original: ReadonlyArray<string>,
  side: ReadonlyArray<string>,
  region: Region,
  hunks: ReadonlyArray<Hunk>
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let at = region.start
  for (const hunk of hunks) {
    lines.push(
      ...original.slice(at - region.start, hunk.start - region.start),
      ...side.slice(hunk.from, hunk.to)
    )
    at = hunk.end
  }
  lines.push(...original.slice(at - region.start))
  return lines
}

/** The conflict with its markers; lines with which both sides begin or end stand outside of it. */
const marked = (
  base: ReadonlyArray<string>,
  left: ReadonlyArray<string>,
  right: ReadonlyArray<string>,
  labels: LineMergeOptions["labels"]
): ReadonlyArray<string> => {
  const shorter = Math.min(left.length, right.length)
  let head = 0
  while (head < shorter && left[head] === right[head]) head++
  let tail = 0
  while (tail < shorter - head && left.at(-1 - tail) === right.at(-1 - tail)) tail++
  const inner = (lines: ReadonlyArray<string>) => ended(lines.slice(head, lines.length - tail))
  return [
    ...left.slice(0, head),
    `<<<<<<< ${labels.ours}\n`,
    ...inner(left),
    `||||||| ${labels.base}\n`,
    ...ended(base),
    "=======\n",
    ...inner(right),
    `>>>>>>> ${labels.theirs}\n`,
    ...left.slice(left.length - tail)
  ]
}

/** A marker must stand on a line of its own. */
const ended = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line) => (line.endsWith("\n") ? line : `${line}\n`))

/** The changes from one text to another in their order, or `null` when there are too many. */
const differences = (from: ReadonlyArray<string>, to: ReadonlyArray<string>): ReadonlyArray<Hunk> | null => {
  const shorter = Math.min(from.length, to.length)
  let head = 0
  while (head < shorter && from[head] === to[head]) head++
  let tail = 0
  while (tail < shorter - head && from.at(-1 - tail) === to.at(-1 - tail)) tail++
  const pairs = commonLines(from.slice(head, from.length - tail), to.slice(head, to.length - tail))
  if (pairs === null) return null
  const hunks: Array<Hunk> = []
  let [start, at] = [head, head]
  const upTo = (end: number, until: number): void => {
    if (end > start || until > at) hunks.push({ start, end, from: at, to: until })
  }
  for (const [x, y] of pairs) {
    upTo(x + head, y + head)
    start = x + head + 1
    at = y + head + 1
  }
  upTo(from.length - tail, to.length - tail)
  return hunks
}

/** Pairs of equal lines along a shortest edit path, in their order. */
const commonLines = (
  from: ReadonlyArray<string>,
  to: ReadonlyArray<string>
): ReadonlyArray<readonly [number, number]> | null => {
  const most = Math.min(from.length + to.length, editsMax)
  const reached = new Int32Array(2 * most + 3)
  const centre = most + 1
  const trace: Array<Int32Array> = []
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reached.slice(centre - edits - 1, centre + edits + 2))
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const [down = 0, right = 0] = [reached[centre + diagonal + 1], reached[centre + diagonal - 1]]
      let x = diagonal === -edits || (diagonal !== edits && right < down) ? down : right + 1
      while (x < from.length && x - diagonal < to.length && from[x] === to[x - diagonal]) x++
      reached[centre + diagonal] = x
      if (x >= from.length && x - diagonal >= to.length) return pathBack(trace, from.length, to.length)
    }
  }
  return null
}

const pathBack = (
  trace: ReadonlyArray<Int32Array>,
  fromLength: number,
  toLength: number
): ReadonlyArray<readonly [number, number]> => {
  const pairs: Array<readonly [number, number]> = []
  let [x, y] = [fromLength, toLength]
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reached = trace[edits] ?? new Int32Array()
    const centre = edits + 1
    const diagonal = x - y
    const [down = 0, right = 0] = [reached[centre + diagonal + 1], reached[centre + diagonal - 1]]
    const isDown = diagonal === -edits || (diagonal !== edits && right < down)
    const previous = edits === 0 ? 0 : isDown ? diagonal + 1 : diagonal - 1
    const startX = edits === 0 ? 0 : isDown ? down : right
    const startY = startX - previous
    while (x > startX && y > startY) {
      x--
      y--
      pairs.push([x, y])
    }
    if (edits > 0) [x, y] = [startX, startY]
  }
  return pairs.reverse()
}
