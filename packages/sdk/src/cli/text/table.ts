/** Rows as a table for people, no wider than the terminal, or as lines with tabs for programs. */
import type { Style } from "./style.ts"
import { cut, oneLine, widthOf } from "./width.ts"

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
  const shown = [...widths.keys()].filter((column) => (widths[column] ?? 0) > 0)
  const line = (textOf: (column: number) => string, styleOf: (column: number) => Style | undefined): string =>
    shown
      .map((column) => {
        const text = cut(textOf(column), widths[column] ?? 0)
        const gap = column === shown.at(-1) ? "" : " ".repeat((widths[column] ?? 0) - widthOf(text))
        return (styleOf(column)?.(text) ?? text) + gap
      })
      .join(columnGap)
  const heading = line(
    (column) => columns[column]?.title ?? "",
    () => options.heading
  )
  const body = rows.map((row, index) =>
    line(
      (column) => cells[index]?.[column] ?? "",
      (column) => columns[column]?.style?.(row)
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
    // A column that is gone takes its gap with it.
    excess -= taken + (widths[column] === 0 ? columnGap.length : 0)
  }
  return widths
}
