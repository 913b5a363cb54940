/**
 * What a client promises, as tests that every way of opening one passes: the same calls, the same views, the same errors,
 * whether the engine is in this process or behind HTTP. The parts are in the files `ClientContract*.ts` beside this one.
 */
import { describe } from "bun:test"
import { approvalContract } from "./ClientContractApprovals.ts"
import { cancelContract } from "./ClientContractCancel.ts"
import { dispatchContract } from "./ClientContractDispatch.ts"
import { endingContract } from "./ClientContractEnding.ts"
import { errorContract } from "./ClientContractErrors.ts"
import { listContract } from "./ClientContractLists.ts"
import type { OpenClient } from "./ClientContractPlace.ts"
import { recordContract } from "./ClientContractRecord.ts"
import { watchContract } from "./ClientContractWatch.ts"

export type { OpenClient, OpenClientOptions, OpenedClient } from "./ClientContractPlace.ts"

/** The way of opening a client that the contract is held against. */
export interface ClientContractOptions {
  /**
   * Opens a client onto an empty record. Its engine looks for flows in the folder and runs one step at a time, with the
   * variables of this process. Disposing closes the client, and what was started for it.
   */
  readonly open: OpenClient
}

/** Registers the tests of the contract for one way of opening a client. */
export const clientContract = (name: string, { open }: ClientContractOptions): void =>
  describe(`${name} keeps the contract of a client`, () => {
    dispatchContract(open)
    listContract(open)
    recordContract(open)
    watchContract(open)
    cancelContract(open)
    approvalContract(open)
    errorContract(open)
    endingContract(open)
  })
