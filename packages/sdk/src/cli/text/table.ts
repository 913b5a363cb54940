/** Rows as a table for people, no wider than the terminal, or as lines with tabs for programs. */
import type { Style } from "./style.ts"
import { cut, oneLine, pad, widthOf } from "./width.ts"

/** One column. */
export interface Column<Row> {
  readonly title: string
  readonly of: (row: Row) => string
  /** The look of a cell. */
  readonly style?: (row: Row) => Style
  /** Whether the column gives way when the table is too wide. The widest gives way first. */
  readonly shrinks?: boolean
}

/** The table with its heading, each line at most `width` columns. No rows give no text. */
export const toTable = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  rows: ReadonlyArray<Row>,
  options: { readonly width: number; readonly heading: Style }
): string => {
  if (rows.length === 0) return ""
  const cells = rows.map((row) => columns.map(({ of }) => oneLine(of(row))))
  const widths = fit(columns, naturalWidths(columns, cells), options.width)
  const line = (texts: ReadonlyArray<string>, styles: ReadonlyArray<Style | undefined>): string =>
    texts
      .map((text, column) => {
        const fitted = cut(text, widths[column] ?? 0)
        const look = styles[column]
        const gap = " ".repeat(Math.max(0, (widths[column] ?? 0) - widthOf(fitted)))
        return (look === undefined ? fitted : look(fitted)) + (column === texts.length - 1 ? "" : gap)
      })
      .join(columnGap)
      .trimEnd()
  const titles = columns.map(({ title }, column) => pad(cut(title, widths[column] ?? 0), widths[column] ?? 0))
  const heading = options.heading(cut(titles.join(columnGap).trimEnd(), options.width))
  const body = rows.map((row, index) =>
    line(
      cells[index] ?? [],
      columns.map(({ style }) => style?.(row))
    )
  )
  return `${[heading, ...body].join("\n")}\n`
}

/** One line per row, cells uncut and parted by tabs, without a heading. */
export const toLines = <Row>(columns: ReadonlyArray<Column<Row>>, rows: ReadonlyArray<Row>): string =>
  rows.map((row) => `${columns.map(({ of }) => oneLine(of(row))).join("\t")}\n`).join("")

// --- internal ---

const columnGap = "  "

/** Narrowest a column gets before the next one gives way. */
const shrunkWidthMin = 6

const naturalWidths = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  cells: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<number> =>
  columns.map(({ title }, column) =>
    cells.reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? "")), widthOf(title))
  )

/** Takes from the widest column that may shrink, one by one, until the table fits; then from the last ones. */
const fit = <Row>(
  columns: ReadonlyArray<Column<Row>>,
  natural: ReadonlyArray<number>,
  width: number
): ReadonlyArray<number> => {
  const widths = [...natural]
  let excess = widths.reduce((sum, each) => sum + each, columnGap.length * (columns.length - 1)) - width
  while (excess > 0) {
    const widest = widths.reduce(
      (best, each, column) =>
        columns[column]?.shrinks === true && each > shrunkWidthMin && each > (widths[best] ?? 0)
          ? column
          : best,
      -1
    )
    if (widest === -1) break
    widths[widest] = (widths[widest] ?? 0) - 1
    excess -= 1
  }
  for (let column = widths.length - 1; column >= 0 && excess > 0; column--) {
    const taken = Math.min(excess, widths[column] ?? 0)
    widths[column] = (widths[column] ?? 0) - taken
    excess -= taken
  }
  return widths
}
