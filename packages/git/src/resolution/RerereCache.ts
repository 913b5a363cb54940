/**
 * Between stored resolutions and git's own memory, `rr-cache`, so that what was decided in a rebase by hand serves rebuilds,
 * and the other way round.
 *
 * Git finds an entry by a hash over the conflict's text. The hash is git's to compute: `git rerere` runs on the three
 * versions in a repository of its own in a temporary folder, once for each way to write conflicts, because a person's
 * `merge.conflictStyle` decides which hash their rebase asks for. The repository's rr-cache is read file by file and gets
 * new entries only; what is there stays as it is.
 */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { listConflicts } from "../conflict/ConflictStore.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import { conflictStyles, withBench } from "../internal/rerereBench.ts"
import type { Repository } from "../Repository.ts"
import {
  contentBytesMax,
  contextOf,
  Resolution,
  type ResolutionAuthor,
  type ResolutionId,
  type Versions
} from "./Resolution.ts"
import { type NewResolution, readResolutions, storeResolutions } from "./ResolutionStore.ts"

/** Resolutions, or files of conflicts, that one call looks at. */
export const rerereFilesMax = 1_000

/** One entry of rr-cache that was written, or was there. */
export interface ExportedResolution {
  readonly id: ResolutionId
  readonly path: string
  /** Git's name of the entry. */
  readonly entry: string
  /** `kept`: rr-cache has a decision of its own. `would write`: a dry run. */
  readonly outcome: "written" | "kept" | "would write"
}

/** One decision that was found in rr-cache. */
export interface ImportedResolution {
  /** Id of the stored conflict. */
  readonly conflict: string
  readonly path: string
  readonly entry: string
  /** Id of the resolution; `null` in a dry run. */
  readonly id: ResolutionId | null
}

/**
 * Writes the stored resolutions of contents into rr-cache. Of several resolutions of one conflict, the newest is written.
 *
 * Errors: `QuarantineError`, `GitError`; entries that were written before stay.
 */
export const exportToRerere = Effect.fn("RerereCache.export")(function* (options: {
  readonly repository: Repository
  readonly dryRun?: boolean
}) {
  const { repository } = options
  const { resolutions } = yield* readResolutions({ repository })
  const newest = [...resolutions].sort((a, b) => b.resolution.date - a.resolution.date)
  const contents = newest.filter(({ resolution }) => isContent(resolution) && resolution.result !== null)
  const exported: Array<ExportedResolution> = []
  yield* withBench(repository, (bench) =>
    Effect.gen(function* () {
      const done = new Set<string>()
      for (const { id, resolution } of contents.slice(0, rerereFilesMax)) {
        const content = yield* readBlob(repository, resolution.result?.oid ?? "")
        if (content === null) continue
        for (const style of conflictStyles) {
          const entry = yield* bench.preimage(resolution, style)
          if (entry === null || done.has(entry)) continue
          done.add(entry)
          const told = { id, path: resolution.path, entry }
          const target = join(repository.commonDirectory, "rr-cache", entry)
          if (yield* bench.isKnown(target)) {
            exported.push({ ...told, outcome: "kept" })
          } else if (options.dryRun === true) {
            exported.push({ ...told, outcome: "would write" })
          } else if (yield* bench.record(entry, content)) {
            yield* bench.copyOut(entry, target)
            exported.push({ ...told, outcome: "written" })
          }
        }
      }
    })
  )
  return exported
})

/**
 * Looks for the stored conflicts in rr-cache, and stores what it finds as resolutions by hand of the author.
 *
 * Errors: `ResolutionRefused`, `StaleRef`, `QuarantineError`, `GitError`; nothing was stored.
 */
export const importFromRerere = Effect.fn("RerereCache.import")(function* (options: {
  readonly repository: Repository
  readonly author: ResolutionAuthor
  readonly dryRun?: boolean
}) {
  const { author, repository } = options
  const { conflicts } = yield* listConflicts({ repository })
  const found: Array<Omit<ImportedResolution, "id"> & { readonly given: NewResolution }> = []
  yield* withBench(repository, (bench) =>
    Effect.gen(function* () {
      const files = conflicts.flatMap(({ conflict, id }) =>
        conflict.files.map((file) => ({ conflict, file, id }))
      )
      for (const { conflict, file, id } of files
        .filter((each) => isContent(each.file))
        .slice(0, rerereFilesMax)) {
        for (const style of conflictStyles) {
          const entry = yield* bench.preimage(file, style)
          const answer =
            entry === null
              ? null
              : yield* bench.replay(entry, join(repository.commonDirectory, "rr-cache", entry), file, style)
          if (entry === null || answer === null) continue
          const { base, ours, path, theirs } = file
          const resolution = {
            version: 1 as const,
            ...{ path, patch: conflict.patch, base, ours, theirs },
            context: contextOf(conflict.files),
            result: { oid: answer.oid, mode: ours?.mode ?? "100644" },
            ...{ how: "hand" as const, author, date: answer.date, note: `from rr-cache ${entry}`, checks: [] }
          }
          if (!isResolution(resolution)) continue
          found.push({ conflict: id, path, entry, given: { resolution, content: answer.content } })
          break
        }
      }
    })
  )
  const told = found.map(({ conflict, entry, path }) => ({ conflict, entry, path }))
  if (options.dryRun === true) return told.map((each): ImportedResolution => ({ ...each, id: null }))
  const ids = yield* storeResolutions({ repository, resolutions: found.map(({ given }) => given) })
  return told.map((each, at): ImportedResolution => ({ ...each, id: ids[at] ?? null }))
})

// --- internal ---

const isResolution = Schema.is(Resolution)

/** Rerere knows contents of plain files that both sides changed. */
const isContent = ({ base, ours, theirs }: Omit<Versions, "path">): boolean =>
  [base, ours, theirs].every((side) => side?.mode.startsWith("100") === true)

const readBlob = (repository: Repository, name: string) =>
  Effect.gen(function* () {
    const [size] = yield* readObjectSizes({ repository, names: [name] })
    if (size?.type !== "blob" || size.size > contentBytesMax) return null
    return (yield* readObjects({ repository, names: [name] }))[0]?.content ?? null
  })
