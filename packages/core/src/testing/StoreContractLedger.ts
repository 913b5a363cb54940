/** The aggregate that the store contract writes with: an account with a status, in today's, yesterday's and tomorrow's words. */
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { make } from "../store/Aggregate.ts"
import type { Driver } from "../store/Driver.ts"

/** What makes an empty store, which is gone when the scope closes. */
export type MakeDriver = Effect.Effect<Driver, never, Scope.Scope>

/** What can happen to an account. Older writers wrote `Opened` without a rank, and `CreditedV0` instead of `Credited`. */
export const LedgerFact = Schema.Union(
  Schema.TaggedStruct("Opened", {
    owner: Schema.String,
    status: Schema.String,
    /** Added later: a line of an older writer has none. */
    rank: Schema.optionalWith(Schema.Int, { default: () => 0 })
  }),
  Schema.TaggedStruct("Credited", { amount: Schema.Int, note: Schema.String }),
  Schema.TaggedStruct("StatusChanged", { status: Schema.String })
)
export type LedgerFact = typeof LedgerFact.Type

/** The document of an account. */
export interface LedgerDocument {
  readonly owner: string
  readonly status: string
  readonly rank: number
  readonly balance: number
  readonly notes: ReadonlyArray<string>
  /** When it last changed, in milliseconds since the Unix epoch. */
  readonly changedAt: number
}

/** The command holds the facts that it leads to; crediting what was not opened is rejected. */
export type LedgerCommand = ReadonlyArray<LedgerFact>

/** The command begins with another fact than `Opened`, and there is no such account. */
export class NotOpened extends Schema.TaggedError<NotOpened>("patchmoi/test/NotOpened")("NotOpened", {}) {}

/** The accounts. */
export const accounts = make<LedgerDocument, LedgerFact, typeof LedgerFact.Encoded, LedgerCommand, NotOpened>(
  {
    name: "account",
    fact: LedgerFact,
    decide: (command, document) =>
      document === undefined && command[0] !== undefined && command[0]._tag !== "Opened"
        ? Either.left(new NotOpened())
        : Either.right(command),
    evolve: (document, fact, { at }) => {
      if (fact._tag === "Opened") {
        const { owner, status, rank } = fact
        return document ?? { owner, status, rank, balance: 0, notes: [], changedAt: at }
      }
      if (document === undefined) return undefined
      return fact._tag === "StatusChanged"
        ? { ...document, status: fact.status, changedAt: at }
        : {
            ...document,
            balance: document.balance + fact.amount,
            notes: [...document.notes, fact.note].slice(-3),
            changedAt: at
          }
    },
    indexes: {
      byStatus: ({ status }) => [status],
      byRank: ({ rank, owner }) => (rank === 0 ? undefined : [rank, owner])
    }
  },
  { CreditedV0: (data) => ({ type: "Credited", data: { note: "", ...asRecord(data) } }) }
)

/** An account is opened. With the rank 0, the default, the index `byRank` leaves it out. */
export const opened = (owner: string, status = "open", rank = 0): LedgerFact => ({
  _tag: "Opened",
  owner,
  status,
  rank
})

/** An amount is added to the balance; the account keeps the last 3 notes. */
export const credited = (amount: number, note = ""): LedgerFact => ({ _tag: "Credited", amount, note })

/** An account gets another status, and with it another place in the index `byStatus`. */
export const statusChanged = (status: string): LedgerFact => ({ _tag: "StatusChanged", status })

/** A fact as a driver takes it, without the typed face. */
export const encoded = (
  stream: string,
  version: number,
  type = "Credited",
  data: unknown = { amount: 1, note: "" }
) => ({
  stream,
  version,
  at: 0,
  type,
  data: JSON.stringify(data)
})

/** A commit of one fact that goes on from the version before it. */
export const commitOf = (stream: string, version: number) => ({
  expected: [{ stream, version: version - 1 }],
  facts: [encoded(stream, version)],
  documents: []
})

// --- internal ---

const asRecord = (value: unknown): object => (typeof value === "object" && value !== null ? value : {})
