/** What is rebuilt, and which branch moves to the result: what the commands that rebuild ask for, checked before anything is done. */
import { Candidate, GitName, RebuildTarget } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import { UsageError } from "../UsageError.ts"
import type { Here } from "./repository.ts"

/** The maintained repository forbids it: `[safety] allowRebuild = false` in its `.patchmoi.toml`. Nothing was done. */
export class RebuildForbidden extends Error {
  readonly _tag = "RebuildForbidden"
  override readonly name = "RebuildForbidden"

  constructor(readonly file: string) {
    super(`${file} forbids rebuilds (allowRebuild = false); change it there first`)
  }
}

/** There is nothing to rebuild onto, and nothing to rebuild. */
export class NothingToRebuild extends Error {
  readonly _tag = "NothingToRebuild"
  override readonly name = "NothingToRebuild"
}

/** The options that say so. */
export interface StackFlags {
  readonly onto?: string
  readonly to?: string
  readonly force?: boolean
}

/** The stack of the repository. Fails with {@link RebuildForbidden}, {@link NothingToRebuild}, or a refused branch. */
export const stackOf = (flags: StackFlags, here: Here) =>
  Effect.gen(function* () {
    const { config, topology } = here
    const { upstream, patches } = topology
    if (config.restrictions.forbidden.includes("rebuild")) {
      return yield* Effect.fail(new RebuildForbidden(config.file ?? ".patchmoi.toml"))
    }
    if (patches.length === 0) {
      const message = `No branch begins with "${topology.patchPrefix}"; there is nothing to carry over`
      return yield* Effect.fail(new NothingToRebuild(message))
    }
    if (flags.onto === undefined && upstream.commit === null) {
      const message = `${GitName.shortName(upstream.ref)} is not known here; fetch it, or name another with --onto`
      return yield* Effect.fail(new NothingToRebuild(message))
    }
    const onto = flags.onto ?? upstream.ref
    const target = yield* targetOf(flags, GitName.shortName(onto), here)
    return { onto, patches, target, upstream: upstream.commit === null ? [] : [upstream.commit] }
  })

// --- internal ---

/** The branch to move, checked before anything is rebuilt. One that was asked for and is refused is a wrong command line. */
const targetOf = ({ to, force }: StackFlags, onto: string, { repository, topology }: Here) =>
  Effect.gen(function* () {
    const ref = yield* to === undefined ? Candidate.candidateRefOf(onto) : GitName.parseBranch(to)
    const { patchPrefix, target } = topology
    const asked = { repository, ref, patchPrefix, maintained: target.ref, force: force === true }
    const checked = RebuildTarget.checkTarget(asked)
    if (to === undefined) return yield* checked
    return yield* checked.pipe(
      Effect.catchTags({
        TargetRefused: ({ message, reason }) =>
          Effect.fail(new UsageError(message, { option: "--to", found: to, reason })),
        BranchCheckedOut: ({ message, state, workTree }) =>
          Effect.fail(new UsageError(message, { option: "--to", found: to, reason: state, workTree }))
      })
    )
  })
