import * as Effect from "effect/Effect"
import { make } from "../../src/store/DriverMemory.ts"
import * as Store from "../../src/store/Store.ts"
import { engineContract } from "../../src/testing/EngineContract.ts"

engineContract("the store in memory", {
  place: Effect.map(make, (driver) => Effect.succeed(Store.make(driver)))
})
