/** Takes the lock of each folder that it is told, says whether it got it, and keeps it. */
import * as Either from "effect/Either"
import { fileOps } from "../src/internal/fileOps.ts"
import { takeLock } from "../src/internal/lockFile.ts"
import { thisProcess } from "../src/internal/processIdentity.ts"

for await (const directory of console) {
  const taken = takeLock(fileOps, directory, thisProcess(0), "racer")
  console.log(Either.isLeft(taken) ? "locked" : "won")
}
