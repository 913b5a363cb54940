/**
 * What a patch promises about itself, kept in Git with the patch: why it exists, who answers for it, when it may go.
 *
 * 1. Trailers of the patch's own commits come first (`Patchmoi-Purpose:` and its neighbours, see `ContractTrailers`).
 *    They travel with the commits, and a rebuild keeps them.
 * 2. What no trailer says is taken from `patches.toml` on the branch `patch-contracts`, which is no patch branch, so that
 *    the file never becomes part of the maintained tree (docs/decisions/0030).
 * 3. A single value that is said twice is what was said last. Scopes and checks add up.
 * 4. A wrong value is left out and told as an issue. It never stops a reader.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { type ContractFile, emptyContractFile, readContractFile, tableFor } from "./ContractFile.ts"
import type { ContractIssue } from "./ContractIssue.ts"
import { readContractTrailers } from "./ContractTrailers.ts"
import { emptyFields } from "./contractFields.ts"

/** The contract of one patch. A field that nobody wrote is absent; lists are empty then. */
export const PatchContract = Schema.Struct({
  /** Why the patch exists, in a sentence. */
  purpose: Schema.optionalWith(Schema.String, { exact: true }),
  /** Who answers for it: a name, an address, a team. */
  owner: Schema.optionalWith(Schema.String, { exact: true }),
  /** Where upstream talks about it: an http or https URL. */
  upstream: Schema.optionalWith(Schema.String, { exact: true }),
  /** When it may go: `tag:…`, `commit:…` or `contains:…`; see `DropWhen`. Always one that `parseDropWhen` takes. */
  dropWhen: Schema.optionalWith(Schema.String, { exact: true }),
  /** Globs of the paths that it may change; see `PathGlob`. Empty: any. */
  scope: Schema.Array(Schema.String),
  /** Commands that check it. To run them is the operator's word, as for the checks of `.patchmoi.toml`. */
  checks: Schema.Array(Schema.String)
})
export type PatchContract = typeof PatchContract.Type

/** A patch whose contract is read: its name and its own commits, oldest first. A `PlannedPatch` is one. */
export interface ContractedPatch {
  readonly name: string
  readonly commits: ReadonlyArray<ObjectId>
}

/** Contracts by the name of the patch, and what is wrong with what was written. */
export interface ContractReport {
  readonly contracts: ReadonlyMap<string, PatchContract>
  readonly issues: ReadonlyArray<ContractIssue>
}

/** The contract of each patch, by its name. What is wrong is left out; `inspectContracts` tells it. */
export const readContracts = Effect.fn("PatchContract.readContracts")(function* (options: {
  readonly repository: Repository
  readonly patches: ReadonlyArray<ContractedPatch>
}) {
  return (yield* inspectContracts(options)).contracts
})

/** The contracts together with the issues: wrong values, unknown keys, tables of patches that do not exist. */
export const inspectContracts = Effect.fn("PatchContract.inspectContracts")(function* (options: {
  readonly repository: Repository
  readonly patches: ReadonlyArray<ContractedPatch>
}) {
  const { repository, patches } = options
  const found = yield* readContractFile(repository)
  const file = found ?? emptyContractFile
  const trailers = yield* readContractTrailers({ repository, patches })
  const contracts = new Map<string, PatchContract>()
  for (const { name } of patches) {
    const said = trailers.fields.get(name) ?? emptyFields
    const written = tableFor(file, name) ?? emptyFields
    contracts.set(name, {
      ...written.single,
      ...said.single,
      scope: said.scope.length > 0 ? said.scope : written.scope,
      checks: said.checks.length > 0 ? said.checks : written.checks
    })
  }
  const issues = [...trailers.issues, ...file.issues, ...strayTables(file, patches)]
  const report: ContractReport = { contracts, issues }
  return report
})

// --- internal ---

const strayTables = (
  file: ContractFile,
  patches: ReadonlyArray<ContractedPatch>
): ReadonlyArray<ContractIssue> => {
  const used = new Set(patches.map(({ name }) => tableFor(file, name)))
  return [...file.tables].flatMap(([key, table]) =>
    used.has(table)
      ? []
      : [
          {
            patch: null,
            commitId: null,
            file: file.name,
            line: table.line,
            key: `patches.${JSON.stringify(key)}`,
            expected: "the name of a patch branch",
            found: "no such patch"
          }
        ]
  )
}
