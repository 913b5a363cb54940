/** Every rule about modules, by name. The architecture test runs this table, and a seed breaks each of its entries. */
import { importCycles, knownRooms, roomArrows, sdkArrows } from "./arrows.ts"
import type { Module, Violation } from "./house.ts"
import { httpClientIsPortable } from "./portable.ts"
import { coreIsPure, coreNeedsOnce, noBarrelImports, stepsImportNothing } from "./purity.ts"

export const moduleRules = {
  roomArrows,
  knownRooms,
  sdkArrows,
  importCycles,
  coreIsPure,
  coreNeedsOnce,
  stepsImportNothing,
  noBarrelImports,
  httpClientIsPortable
} satisfies Record<string, (modules: ReadonlyArray<Module>) => ReadonlyArray<Violation>>
