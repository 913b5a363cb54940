/** Resolutions made for tests, and what a session is started with. */
import * as Effect from "effect/Effect"
import { type ObjectId, parseRef } from "../../src/GitName.ts"
import type { Conflict } from "../../src/patch/Conflict.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository, type Repository } from "../../src/Repository.ts"
import { contextOf, Resolution } from "../../src/resolution/Resolution.ts"
import { type NewResolution, storeResolutions } from "../../src/resolution/ResolutionStore.ts"
import type { StartOptions } from "../../src/resolution/ResolveSession.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"

/** A session that carries the patches of the fork in a folder over to its branch main. */
export const startOptionsIn = (directory: string) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const target = {
      ref: yield* parseRef("refs/heads/candidate/v2"),
      patchPrefix: "patch/",
      maintained: yield* parseRef("refs/heads/main"),
      force: false
    }
    return { repository, onto: "main", patches, target } satisfies StartOptions
  })

export const ada = { name: "Ada", email: "ada@example.com" }

/** A resolution of one file of the conflict with this text, or with no file for `null`. */
export const resolutionOf = (
  repo: Pick<TempRepo, "run">,
  conflict: Conflict,
  text: string | null,
  more: Partial<Resolution> & { readonly at?: number } = {}
) =>
  Effect.gen(function* () {
    const { at = 0, ...fields } = more
    const file = conflict.files[at]
    if (file === undefined) return yield* Effect.dieMessage("the conflict has no such file")
    const content = text === null ? null : Buffer.from(text)
    const oid =
      content === null ? null : yield* repo.run({ args: ["hash-object", "--stdin"], stdin: content })
    const { base, ours, path, theirs } = file
    const resolution = Resolution.make({
      version: 1,
      ...{ path, patch: conflict.patch },
      ...({ base, ours, theirs } as Pick<Resolution, "base" | "ours" | "theirs">),
      context: contextOf(conflict.files),
      result: oid === null ? null : { oid: oid as ObjectId, mode: "100644" },
      how: "hand",
      author: ada,
      date: 1_700_000_000,
      ...fields
    })
    return { resolution, content } satisfies NewResolution
  })

/** Stores one and gives its id. */
export const storeOne = (repository: Repository, given: NewResolution) =>
  Effect.flatMap(storeResolutions({ repository, resolutions: [given] }), ([id]) =>
    id === undefined ? Effect.dieMessage("nothing was stored") : Effect.succeed(id)
  )
