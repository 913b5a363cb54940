/** One open database with its prepared statements, which are finished before it closes: otherwise the log beside the file stays. */
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite"

/** A row as SQLite gives it: the columns in the order of the statement. */
export type Row = ReadonlyArray<unknown>

/** Whether a commit returns before (`normal`) or after (`full`) it is on the disk. */
export type Synchronous = "full" | "normal"

type Bindings = Array<SQLQueryBindings>

export class Connection {
  readonly #statements: Array<Statement<unknown, Bindings>> = []

  constructor(
    readonly database: Database,
    readonly filename: string,
    /** Called before and after each statement that writes. Only tests have one: they stop the process there. */
    readonly point?: (() => void) | undefined
  ) {}

  /** Prepares a statement that lives as long as the connection. */
  prepare(sql: string): Statement<unknown, Bindings> {
    const statement = this.database.prepare<unknown, Bindings>(sql)
    this.#statements.push(statement)
    return this.point === undefined ? statement : watched(statement, this.point)
  }

  /** Runs a statement that is needed now and then. */
  run(sql: string): void {
    this.point?.()
    this.database.run(sql)
    this.point?.()
  }

  /** The first column of the first row of a statement that is run now and then. */
  scalar(sql: string): unknown {
    const statement = this.database.prepare<unknown, Bindings>(sql)
    try {
      return (statement.values() as ReadonlyArray<Row>)[0]?.[0]
    } finally {
      statement.finalize()
    }
  }

  close(): void {
    for (const statement of this.#statements) statement.finalize()
    this.database.close()
  }
}

// --- internal ---

/** The statement, with a point on either side of `run`. */
const watched = <S extends Statement<unknown, Bindings>>(statement: S, point: () => void): S =>
  new Proxy(statement, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== "function") return member
      return (...values: Bindings): unknown => {
        if (name === "run") point()
        const result: unknown = Reflect.apply(member, target, values)
        if (name === "run") point()
        return result
      }
    }
  })
