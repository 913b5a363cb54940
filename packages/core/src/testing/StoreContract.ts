/**
 * What `store/Driver.ts` and `store/Store.ts` promise, as tests that every driver passes. The parts are in the files
 * `StoreContract*.ts` beside this one.
 */
import { describe } from "bun:test"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AnyAggregate } from "../store/Aggregate.ts"
import { changesContract } from "./StoreContractChanges.ts"
import { commitContract } from "./StoreContractCommit.ts"
import { factContract } from "./StoreContractFacts.ts"
import { leaseContract } from "./StoreContractLeases.ts"
import { accounts, type MakeDriver } from "./StoreContractLedger.ts"
import { listContract } from "./StoreContractLists.ts"
import { outputContract } from "./StoreContractOutputs.ts"
import { reopenContract } from "./StoreContractReopen.ts"

/** What the facts of the contract belong to: a driver that rebuilds documents needs to know. */
export const storeContractAggregates: ReadonlyArray<AnyAggregate> = [accounts]

/** Where the contract gets its stores. Without a `place` it does not ask that a store is found again as it was left. */
export interface StoreContractOptions {
  /** Makes an empty store, which is gone when the scope closes. */
  readonly make: MakeDriver
  /**
   * Makes the place of an empty store and gives what opens it, again and again. Left out for a store that ends
   * with its process.
   */
  readonly place?: Effect.Effect<MakeDriver, never, Scope.Scope>
}

/** Registers the tests of the contract for one driver. */
export const storeContract = (name: string, { make, place }: StoreContractOptions): void =>
  describe(`${name} keeps the contract of a store`, () => {
    commitContract(make)
    factContract(make)
    listContract(make)
    changesContract(make)
    outputContract(make)
    leaseContract(make)
    if (place !== undefined) reopenContract(place)
  })
