import { make } from "../../src/store/DriverMemory.ts"
import { storeContract } from "../../src/testing/StoreContract.ts"

storeContract("the driver in memory", { make })
