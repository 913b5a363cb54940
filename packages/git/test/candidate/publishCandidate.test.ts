import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readProof } from "../../src/candidate/CandidateNotes.ts"
import { PublishPlan } from "../../src/candidate/PublishPlan.ts"
import { PublishResult } from "../../src/candidate/publishCandidate.ts"
import { parseRef } from "../../src/GitName.ts"
import { withGit } from "../support.ts"
import { applied, makePublishing, planned, published, pushByAnother, remoteRefs } from "./publishing.ts"

const tags = (result: PublishResult) => result.outcomes.map(({ _tag, ref }) => `${_tag} ${ref}`)

describe("publishing", () => {
  for (const objectFormat of ["sha1", "sha256"] as const) {
    test(
      `branch, release tag and proof go together; the same again sends nothing (${objectFormat})`,
      withGit(() =>
        Effect.gen(function* () {
          const world = yield* makePublishing(objectFormat)
          const { rebuilt, repository } = world
          const plan = yield* planned(repository, { tag: "v2-fork.1" })
          expect(plan.refs.map(({ action, kind, ref }) => `${kind} ${action} ${ref}`)).toEqual([
            "branch create refs/heads/candidate/v2",
            "tag create refs/tags/v2-fork.1",
            "notes create refs/notes/patchmoi"
          ])
          expect(yield* remoteRefs(world)).not.toHaveProperty("refs/heads/candidate/v2")
          const json: unknown = JSON.parse(JSON.stringify(plan))
          const result = yield* applied(repository, yield* Schema.decodeUnknown(PublishPlan)(json))
          expect(result).toMatchObject({ published: true })
          expect(yield* Schema.encode(PublishResult)(result)).toMatchObject({ published: true })
          const there = yield* remoteRefs(world)
          expect(there["refs/heads/candidate/v2"]).toBe(rebuilt.tip)
          expect(there["refs/tags/v2-fork.1"]).toBe(rebuilt.tip)
          expect(yield* world.fork.git("notes", "--ref=patchmoi", "show", rebuilt.tip)).toContain(
            '"candidate"'
          )
          const again = yield* published(repository, { tag: "v2-fork.1" })
          expect(again.plan.refs.every(({ action }) => action === "keep")).toBe(true)
          expect(again).toMatchObject({ published: true })
          expect(again.outcomes.every(({ _tag }) => _tag === "UpToDate")).toBe(true)
          expect(yield* remoteRefs(world)).toEqual(there)
        })
      )
    )
  }

  test(
    "what a branch loses is kept by a tag at the remote, in the same push",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { rebuilt, repository } = world
        const theirs = yield* pushByAnother(world, "candidate/v2")
        const plan = yield* planned(repository)
        expect(plan.refs[0]).toMatchObject({
          kind: "recovery",
          action: "create",
          overwrites: false,
          foreign: false,
          expected: null,
          next: theirs
        })
        expect(plan.refs[1]).toMatchObject({
          kind: "branch",
          overwrites: true,
          foreign: true,
          expected: theirs
        })
        const refused = yield* Effect.flip(applied(repository, plan))
        expect(refused).toMatchObject({ _tag: "ForeignWork", found: theirs })
        const result = yield* applied(repository, plan, { force: true })
        expect(result.published).toBe(true)
        const there = yield* remoteRefs(world)
        expect(there["refs/heads/candidate/v2"]).toBe(rebuilt.tip)
        expect(there[`refs/tags/patchmoi/before/candidate/v2/${theirs.slice(0, 12)}`]).toBe(theirs)
        // What was pushed from here may be replaced without force, and is kept all the same.
        yield* world.repo.git("update-ref", "refs/heads/candidate/v2", "patch/one")
        const next = yield* published(repository)
        expect(next.published).toBe(true)
        const after = yield* remoteRefs(world)
        expect(after[`refs/tags/patchmoi/before/candidate/v2/${rebuilt.tip.slice(0, 12)}`]).toBe(rebuilt.tip)
      })
    )
  )

  test(
    "a branch that only goes forward loses nothing, whoever pushed it, and a recovery name that is taken is not reused",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { rebuilt, repository } = world
        const forward = yield* planned(repository, { branch: "main" })
        expect(forward.refs.map(({ kind, overwrites }) => [kind, overwrites])).toEqual([
          ["branch", false],
          ["notes", false]
        ])
        const theirs = yield* pushByAnother(world, "candidate/v2")
        const home = "refs/tags/patchmoi/before/candidate/v2"
        yield* world.fork.git("update-ref", `${home}/${theirs.slice(0, 12)}`, "refs/heads/main")
        yield* published(repository, {}, { force: true })
        const there = yield* remoteRefs(world)
        expect(there[`${home}/${theirs}`]).toBe(theirs)
        expect(there["refs/heads/candidate/v2"]).toBe(rebuilt.tip)
      })
    )
  )

  test(
    "the notes of others at the remote stay, and the proof is beside them",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { proof, rebuilt, repository } = world
        yield* world.fork.git("notes", "--ref=patchmoi", "add", "-m", "hers", "main")
        expect((yield* published(repository)).published).toBe(true)
        expect(yield* world.fork.git("notes", "--ref=patchmoi", "show", "main")).toBe("hers")
        expect(yield* world.fork.git("rev-list", "--count", "refs/notes/patchmoi")).toBe("2")
        yield* world.repo.git("fetch", "--quiet", "origin", "refs/notes/patchmoi:refs/notes/theirs")
        const notes = yield* parseRef("refs/notes/theirs")
        expect(yield* readProof({ repository, commit: rebuilt.tip, notes })).toEqual(proof)
      })
    )
  )
})

describe("drift and refusals of the server", () => {
  test(
    "a remote that moved after the plan refuses the whole push",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repository } = world
        const plan = yield* planned(repository, { tag: "v2-fork.1" })
        const theirs = yield* pushByAnother(world, "candidate/v2")
        const before = yield* remoteRefs(world)
        const result = yield* applied(repository, plan)
        expect(result.published).toBe(false)
        expect(tags(result)).toEqual([
          "Stale refs/heads/candidate/v2",
          "Withheld refs/tags/v2-fork.1",
          "Withheld refs/notes/patchmoi"
        ])
        expect(result.outcomes[0]).toMatchObject({ expected: null, actual: theirs })
        expect(yield* remoteRefs(world)).toEqual(before)
      })
    )
  )

  test(
    "so does one that moves between the server's announcement and the push, also for a ref that was to stay",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repo, repository, server } = world
        yield* published(repository)
        yield* repo.git("update-ref", "refs/heads/candidate/v2", "patch/one")
        const plan = yield* planned(repository)
        let late: string | null = null
        server.faults.beforePush = async () => {
          if (late !== null) return
          late = "moving"
          late = await Effect.runPromise(pushByAnother(world, "candidate/v2"))
        }
        const result = yield* applied(repository, plan)
        server.faults.beforePush = null
        expect(result.published).toBe(false)
        const branch = result.outcomes.find(({ ref }) => ref === "refs/heads/candidate/v2")
        expect(branch).toMatchObject({ _tag: "Stale", actual: late ?? "" })
        const there = yield* remoteRefs(world)
        expect(there["refs/heads/candidate/v2"]).toBe(late ?? "")
        expect(Object.keys(there).filter((ref) => ref.includes("before"))).toEqual([])
        const stay = yield* planned(repository, { branch: "main", revision: "v1^{commit}", notes: false })
        expect(stay.refs[0]?.action).toBe("keep")
        yield* pushByAnother(world, "main")
        expect(tags(yield* applied(repository, stay))).toEqual(["Stale refs/heads/main"])
      })
    )
  )

  test(
    "an approved plan is not carried out at another address",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repo, repository, root } = world
        const plan = yield* planned(repository, { tag: "v2-fork.1" })
        const elsewhere = join(root, "elsewhere.git")
        yield* repo.git("init", "--quiet", "--bare", elsewhere)
        yield* repo.git("config", `url.${elsewhere}.pushInsteadOf`, plan.url)
        const refused = yield* Effect.flip(
          applied(repository, plan, { approval: "required" }, { approved: plan.id })
        )
        expect(refused).toMatchObject({ _tag: "RemoteElsewhere", planned: plan.url, found: elsewhere })
        expect(yield* repo.git("ls-remote", elsewhere)).toBe("")
        yield* repo.git("remote", "remove", "origin")
        expect(yield* Effect.flip(applied(repository, plan))).toMatchObject({ found: "nowhere" })
      })
    )
  )

  test(
    "a hook that declines, a server that fails, and one that dies after the push",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        const { repository, server } = world
        const plan = yield* planned(repository)
        const before = yield* remoteRefs(world)
        server.faults.declinePush = "not on a Friday"
        const declined = yield* applied(repository, plan)
        expect(declined.outcomes.map(({ _tag }) => _tag)).toEqual(["Declined", "Declined"])
        expect(JSON.stringify(declined)).toContain("not on a Friday")
        server.faults.declinePush = null
        server.faultsOf.set("fork.git", { status: 500 })
        const failed = yield* applied(repository, plan)
        expect(failed.outcomes.map(({ _tag }) => _tag)).toEqual(["Unreachable", "Unreachable"])
        expect(yield* remoteRefs(world)).toEqual(before)
        server.faultsOf.set("fork.git", { dieAfterPush: true })
        const died = yield* applied(repository, plan)
        expect(died).toMatchObject({ published: false })
        expect(died.outcomes.map(({ _tag }) => _tag)).toEqual(["Unreachable", "Unreachable"])
        server.faultsOf.clear()
        const again = yield* published(repository)
        expect(again.published).toBe(true)
        expect(again.outcomes.every(({ _tag }) => _tag === "UpToDate")).toBe(true)
      })
    )
  )

  test(
    "a server without atomic pushes gets nothing, and every ref says so",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makePublishing()
        yield* world.fork.git("config", "receive.advertiseAtomic", "false")
        const before = yield* remoteRefs(world)
        const result = yield* published(world.repository, { tag: "v2-fork.1" })
        expect(result.published).toBe(false)
        expect(new Set(result.outcomes.map(({ _tag }) => _tag))).toEqual(new Set(["AtomicUnsupported"]))
        expect(yield* remoteRefs(world)).toEqual(before)
      })
    )
  )
})
