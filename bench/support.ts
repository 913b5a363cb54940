/**
 * The harness of every benchmark here: named variants of one job, measured in turn within one run, because a machine that
 * is busy for a second must slow all of them. Read the ratios; absolute times belong to one machine.
 *
 *     const table = await measure({
 *       name: "flow fire",
 *       baseline: "empty bun process",
 *       variants: { "empty bun process": () => spawn(empty), "flow fire": () => spawn(fire) }
 *     })
 *     console.log(toMarkdown(table))
 */

export interface Benchmark {
  readonly name: string
  /** The variant that the others are compared with; a key of `variants`. */
  readonly baseline: string
  /** Each value does the job once, start to end. Its result is ignored; a rejection ends the benchmark. */
  readonly variants: Readonly<Record<string, Job>>
  /** Rounds that are run and thrown away, for caches and the compiler. At least 0. Default: 3. */
  readonly warmupRounds?: number
  /** Rounds that are measured; each runs every variant once. At least 1. Default: 21. */
  readonly rounds?: number
  /**
   * Work items in one call, for jobs too short to be timed alone: times are divided by it. At least 1. Default: 1.
   */
  readonly itemsPerCall?: number
}

export interface Job {
  (): unknown
  /** Runs before each call, outside the measured time. */
  readonly prepare?: () => unknown
}

export interface Table {
  readonly name: string
  readonly baseline: string
  readonly rounds: number
  readonly rows: ReadonlyArray<Row>
}

export interface Row {
  readonly variant: string
  readonly medianMillis: number
  readonly p90Millis: number
  /** Median of the ratios to the baseline's time in the same round; 1 for the baseline itself. */
  readonly ratio: number
}

/** A job with something to do before each call that is not part of it. */
export const job = (run: () => unknown, options: { readonly prepare: () => unknown }): Job =>
  Object.assign(() => run(), options)

/** Runs every variant in every round, in an order that turns by one each round, and summarises the measured rounds. */
export const measure = async (benchmark: Benchmark): Promise<Table> => {
  const { name, baseline, variants, warmupRounds = 3, rounds = 21, itemsPerCall = 1 } = benchmark
  const entries = Object.entries(variants)
  if (!(baseline in variants))
    throw new RangeError(`${name}: the baseline "${baseline}" is not one of the variants`)
  if (rounds < 1 || warmupRounds < 0 || itemsPerCall < 1)
    throw new RangeError(`${name}: rounds must be positive`)
  const times = new Map<string, Array<number>>(entries.map(([variant]) => [variant, []]))
  for (let round = 0; round < warmupRounds + rounds; round++) {
    for (const index of entries.keys()) {
      // Nobody always runs right after the same neighbour.
      const [variant, run] = entries[(index + round) % entries.length] ?? []
      if (variant === undefined || run === undefined) continue
      await run.prepare?.()
      const startedAt = performance.now()
      await run()
      const millis = (performance.now() - startedAt) / itemsPerCall
      if (round >= warmupRounds) times.get(variant)?.push(millis)
    }
  }
  const base = times.get(baseline) ?? []
  const rows = [...times].map(([variant, millis]) => ({
    variant,
    medianMillis: quantile(millis, 0.5),
    p90Millis: quantile(millis, 0.9),
    ratio: quantile(
      millis.map((time, round) => time / (base[round] ?? Number.NaN)),
      0.5
    )
  }))
  return { name, baseline, rounds, rows }
}

/** The table as Markdown, in milliseconds, for a terminal and for a closing note alike. */
export const toMarkdown = (table: Table): string => {
  const cells = [
    [table.name, "median ms", "p90 ms", `× ${table.baseline}`],
    ...table.rows.map(({ variant, medianMillis, p90Millis, ratio }) => [
      variant,
      digits(medianMillis),
      digits(p90Millis),
      ratio.toFixed(2)
    ])
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(" | ")} |`
  const rule = `|${widths.map((width, column) => (column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`
  const [head = [], ...body] = cells
  return [
    line(head),
    rule,
    ...body.map(line),
    "",
    `${table.rounds} rounds, interleaved; ratios are medians within a round.`
  ].join("\n")
}

/** The value below which a share of the numbers lies (linear between neighbours), `NaN` for none. */
export const quantile = (numbers: ReadonlyArray<number>, share: number): number => {
  const sorted = numbers.toSorted((left, right) => left - right)
  const position = (sorted.length - 1) * share
  const low = sorted[Math.floor(position)] ?? Number.NaN
  const high = sorted[Math.ceil(position)] ?? Number.NaN
  return low + (high - low) * (position - Math.floor(position))
}

/** Three significant digits: 0.00123, 1.23, 123. */
const digits = (millis: number): string => (millis >= 100 ? millis.toFixed(0) : millis.toPrecision(3))
