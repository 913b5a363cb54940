import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { planIdOf } from "../../src/candidate/PublishPlan.ts"
import { discoverTopology } from "../../src/topology/Topology.ts"
import { withGit } from "../support.ts"
import { applied, makePublishing, openPolicy, planned, remoteRefs } from "./publishing.ts"

describe("who may publish", () => {
  test(
    "nothing is sent without the operator: gate, remote, maintained branch, approval of this very plan",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repository } = world
        const before = yield* remoteRefs(world)
        const plan = yield* planned(repository)
        const main = yield* planned(repository, { branch: "main" })
        const required = { approval: "required" } as const
        const refusals = [
          applied(repository, plan, { publish: false }),
          applied(repository, plan, { remotes: ["elsewhere"] }),
          applied(repository, main, { moveTarget: false }),
          applied(repository, plan, required),
          applied(repository, plan, required, { approved: main.id }),
          applied(repository, { ...plan, commit: plan.refs[0]?.next ?? plan.commit, remote: "upstream" })
        ]
        const found = yield* Effect.forEach(refusals, (refusal) => Effect.flip(refusal))
        expect(found.map((error) => error._tag)).toEqual([
          "PublishForbidden",
          "PublishForbidden",
          "PublishForbidden",
          "ApprovalMissing",
          "ApprovalMissing",
          "PlanAltered"
        ])
        expect(found.map((error) => error.message.includes("operator"))).toEqual([
          true,
          true,
          true,
          false,
          false,
          false
        ])
        expect(yield* remoteRefs(world)).toEqual(before)
        const approved = yield* applied(repository, plan, required, { approved: plan.id })
        expect(approved.published).toBe(true)
      })
    )
  )

  test(
    "the maintained repository's file can forbid, and whatever it says grants nothing",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repo, repository } = world
        const before = yield* remoteRefs(world)
        const branch = yield* planned(repository)
        const main = yield* planned(repository, { branch: "main" })
        const restrictionsOf = (toml: string) =>
          Effect.gen(function* () {
            yield* repo.write({ ".patchmoi.toml": toml })
            return (yield* discoverTopology({ repository })).config.restrictions
          })
        const generous = yield* restrictionsOf(
          "[publish]\npush = true\nmove_target = true\n[safety]\nallowRebuild = true\nallowDispatch = true\n"
        )
        for (const [plan, policy] of [
          [branch, { publish: false }],
          [main, { moveTarget: false }],
          [branch, { remotes: [] }],
          [branch, { approval: "required" as const }]
        ] as const) {
          yield* Effect.flip(applied(repository, plan, policy, { restrictions: generous }))
        }
        const push = yield* restrictionsOf("[publish]\npush = false\n")
        const move = yield* restrictionsOf("[publish]\nmove_target = false\n")
        for (const [plan, restrictions] of [
          [branch, push],
          [main, move]
        ] as const) {
          const error = yield* Effect.flip(applied(repository, plan, openPolicy, { restrictions }))
          expect(error).toMatchObject({ _tag: "PublishForbidden", by: "repository" })
        }
        expect(yield* remoteRefs(world)).toEqual(before)
        expect((yield* applied(repository, branch, openPolicy, { restrictions: move })).published).toBe(true)
      })
    )
  )

  test(
    "an approved plan cannot be bent: every change of it changes its id",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, rebuilt } = yield* makePublishing()
        const plan = yield* planned(repository)
        const [first, ...rest] = plan.refs
        if (first === undefined) throw new Error("the plan has no ref")
        const bent = [
          { ...plan, remote: "other" },
          { ...plan, url: "https://elsewhere.example/x.git" },
          { ...plan, upstreamRemote: null },
          { ...plan, refs: rest },
          { ...plan, refs: [{ ...first, expected: rebuilt.tip }, ...rest] },
          { ...plan, refs: [{ ...first, foreign: !first.foreign }, ...rest] }
        ]
        expect(planIdOf(plan)).toBe(plan.id)
        expect((yield* planned(repository)).id).toBe(plan.id)
        for (const each of bent) {
          expect((yield* Effect.flip(applied(repository, each)))._tag).toBe("PlanAltered")
        }
      })
    )
  )
})

describe("what a release tag may be", () => {
  test(
    "not upstream's, by name or by commit; not moved; not another than the local one",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repo, repository, rebuilt, upstream } = world
        const flipped = (more: Parameters<typeof planned>[1]) => Effect.flip(planned(repository, more))
        expect(yield* flipped({ tag: "v2" })).toMatchObject({ _tag: "PublishedRefIsUpstreamTag" })
        expect(yield* flipped({ branch: "v1" })).toMatchObject({ _tag: "PublishedRefIsUpstreamTag" })
        // Upstream's own commit, under a name of the fork's.
        for (const revision of ["v2", "v1", "main"]) {
          expect(yield* flipped({ revision, tag: "v2-fork.1" })).toMatchObject({ _tag: "CommitIsUpstreams" })
        }
        yield* repo.git("tag", "v2-fork.1", "v1")
        expect(yield* flipped({ tag: "v2-fork.1" })).toMatchObject({
          _tag: "TagElsewhere",
          wanted: rebuilt.tip
        })
        yield* repo.git("tag", "-d", "v2-fork.1")
        yield* world.fork.git("update-ref", "refs/tags/v2-fork.2", "refs/heads/main")
        expect(yield* flipped({ tag: "v2-fork.2" })).toMatchObject({ _tag: "TagTaken" })
        expect(yield* flipped({ revision: "main" })).toMatchObject({ _tag: "NothingToPublish" })
        // Upstream makes a tag of the name after the plan was made.
        const plan = yield* planned(repository, { tag: "v3" })
        yield* upstream.git("update-ref", "refs/tags/v3", "refs/heads/main")
        const error = yield* Effect.flip(applied(repository, plan))
        expect(error).toMatchObject({ _tag: "PublishedRefIsUpstreamTag", ref: "refs/tags/v3" })
        expect(yield* remoteRefs(world)).not.toHaveProperty("refs/tags/v3")
      })
    )
  )

  test(
    "an annotated tag here is published as it is, and is the same release from another clone",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repo, repository } = world
        yield* repo.git("tag", "-a", "-m", "release", "v2-fork.1", "candidate/v2")
        const tag = yield* repo.git("rev-parse", "v2-fork.1")
        expect((yield* applied(repository, yield* planned(repository, { tag: "v2-fork.1" }))).published).toBe(
          true
        )
        expect((yield* remoteRefs(world))["refs/tags/v2-fork.1"]).toBe(tag)
        yield* repo.git("tag", "-d", "v2-fork.1")
        const again = yield* planned(repository, { tag: "v2-fork.1" })
        expect(again.refs.find(({ kind }) => kind === "tag")).toMatchObject({ action: "keep" })
        expect((yield* applied(repository, again)).published).toBe(true)
      })
    )
  )

  test(
    "no name from outside becomes an option of git",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository } = yield* makePublishing()
        const witness = join(repo.directory, "pwned")
        const evil = `--receive-pack=touch ${witness};`
        for (const more of [
          { remote: evil },
          { remote: `ext::touch ${witness}` },
          { branch: evil },
          { branch: "a b" },
          { tag: "-d" },
          { tag: "x..y" },
          { revision: evil },
          { upstreamRemote: evil }
        ]) {
          expect((yield* Effect.flip(planned(repository, more)))._tag).toBe("InvalidName")
        }
        expect(existsSync(witness)).toBe(false)
      })
    )
  )
})
