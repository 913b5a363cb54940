/**
 * What the engine promises over any store: limits, order, the bound on the queue, recovery, approvals. Its own tests say more,
 * over the store in memory and under a clock that they turn; these run in real time, so that a real store may take its time.
 * The parts are in the files `EngineContract*.ts` beside this one.
 */
import { describe } from "bun:test"
import { engineApprovalContract } from "./EngineContractApprovals.ts"
import { engineLimitsContract } from "./EngineContractLimits.ts"
import type { MakeStorePlace } from "./EngineContractParts.ts"
import { engineRecoveryContract } from "./EngineContractRecovery.ts"

/** Where the contract gets its stores: it stops engines and closes stores, and expects to find in them what was there. */
export interface EngineContractOptions {
  /** Makes the place of an empty store and gives what opens it. It is opened again after it was closed, never twice at once. */
  readonly place: MakeStorePlace
}

/** Registers the tests of the contract for engines over one kind of store. */
export const engineContract = (name: string, { place }: EngineContractOptions): void =>
  describe(`an engine over ${name} keeps its contract`, () => {
    engineLimitsContract(place)
    engineRecoveryContract(place)
    engineApprovalContract(place)
  })
