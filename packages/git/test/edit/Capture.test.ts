import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { type CaptureOptions, capture } from "../../src/edit/Capture.ts"
import { rebuild } from "../../src/patch/Rebuild.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempDirectory, type TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { branch, here, idOf, makeStack, objectOf, snapshot, userState } from "./stack.ts"

setDefaultTimeout(60_000)

const captureIn = (
  repo: TempRepo,
  options: Pick<CaptureOptions, "branch" | "from"> & Partial<CaptureOptions>
) => Effect.flatMap(here(repo), (found) => capture({ ...found, ...options }))

const refusedIn = (
  repo: TempRepo,
  options: Pick<CaptureOptions, "branch" | "from"> & Partial<CaptureOptions>
) =>
  Effect.gen(function* () {
    const before = yield* snapshot(repo)
    const error = yield* captureIn(repo, options).pipe(Effect.flip)
    expect(yield* snapshot(repo)).toEqual(before)
    return error
  })

const capturedIn = (repo: TempRepo, options: Parameters<typeof captureIn>[1]) =>
  Effect.flatMap(captureIn(repo, options), (result) =>
    result._tag === "Captured" ? Effect.succeed(result) : Effect.dieMessage(JSON.stringify(result))
  )

describe("capture", () => {
  test(
    "keeps the author's name where the feature's commits are in another encoding",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const tree = yield* idOf(repo, "patch/010-a^{tree}")
        const who = "J\u00f6rg <joerg@example.com> 1700000000 +0100"
        const head = `tree ${tree}\nparent ${yield* idOf(repo, "main")}\nauthor ${who}\ncommitter ${who}\n`
        const stdin = Buffer.from(`${head}encoding ISO-8859-1\n\nfor J\u00f6rg\n`, "latin1")
        const from = yield* repo.run({ args: ["hash-object", "-t", "commit", "-w", "--stdin"], stdin })
        const { commit } = yield* capturedIn(repo, { branch: "030-x", from, message: "f\u00fcr J\u00f6rg" })
        expect(yield* repo.git("log", "-1", "--format=%an, %cn: %s", commit)).toBe(
          "J\u00f6rg, J\u00f6rg: f\u00fcr J\u00f6rg"
        )
      })
    )
  )

  test(
    "makes one commit of a feature branch and leaves HEAD, index and work tree alone, in both formats",
    withGit(() =>
      Effect.gen(function* () {
        for (const objectFormat of ["sha1", "sha256"] as const) {
          const repo = yield* makeStack({ objectFormat })
          yield* branch(repo, "feature/x", "main", [
            ["wip", { "x.txt": "one\n" }],
            ["more\n\nPatchmoi-Owner: me\nPatchmoi-Scope: x.txt", { "x.txt": "two\n", "dir/c.txt": null }]
          ])
          const user = yield* userState(repo)
          const dry = yield* capturedIn(repo, { branch: "030-quick-fix", from: "feature/x", dryRun: true })
          expect(yield* idOf(repo, "patch/030-quick-fix")).toBe("")
          const made = yield* capturedIn(repo, { branch: "030-quick-fix", from: "feature/x" })
          expect({ ...made, moved: [] }).toEqual({ ...dry, moved: [] })
          expect(yield* idOf(repo, "patch/030-quick-fix")).toBe(made.commit)
          expect(yield* userState(repo)).toEqual(user)
          expect(made).toMatchObject({
            patch: "patch/030-quick-fix",
            files: 2,
            replaced: null,
            dependents: []
          })
          expect(yield* repo.git("log", "--format=%an %s", "upstream/main..patch/030-quick-fix")).toBe(
            "Ada Author patch: quick fix"
          )
          expect(yield* repo.git("log", "-1", "--format=%b", "patch/030-quick-fix")).toBe(
            "Patchmoi-Owner: me\nPatchmoi-Scope: x.txt\n"
          )
          expect(yield* idOf(repo, "patch/030-quick-fix^{tree}")).toBe(yield* idOf(repo, "feature/x^{tree}"))
          // The same again changes nothing.
          const again = yield* captureIn(repo, {
            branch: "patch/030-quick-fix",
            from: "feature/x",
            force: true
          })
          expect(again).toMatchObject({ _tag: "Skipped", reason: "captured already" })
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        }
      })
    )
  )

  test(
    "a stale feature branch does not take back what the base gained (P13)",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/old", "v1", [["f", { "b.txt": numbered(20, { 9: "f" }) }]])
        const made = yield* capturedIn(repo, { branch: "f", from: "feature/old" })
        expect(made.base).toBe(yield* objectOf(repo, "main"))
        expect(yield* repo.git("diff", "--name-only", "main", "patch/f")).toBe("b.txt")
        expect(yield* repo.git("show", "patch/f:a.txt")).toContain("up")
      })
    )
  )

  test(
    "force with nothing to capture never resets the branch (P13)",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* repo.git("branch", "feature/none", "v1")
        yield* branch(repo, "feature/upped", "v1", [["same", { "a.txt": numbered(20, { 18: "up" }) }]])
        const before = yield* snapshot(repo)
        for (const from of ["feature/none", "feature/upped", "main"]) {
          const result = yield* captureIn(repo, { branch: "patch/010-a", from, force: true })
          expect(result).toEqual({ _tag: "Skipped", patch: "patch/010-a", reason: "no changes to capture" })
        }
        expect(yield* snapshot(repo)).toEqual(before)
      })
    )
  )

  test(
    "force keeps what it overwrites, and the contract where the feature says none",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/x", "main", [["x\n\nPatchmoi-Purpose: why\n", { "x.txt": "1\n" }]])
        const first = yield* capturedIn(repo, { branch: "x", from: "feature/x" })
        yield* branch(repo, "feature/x", "main", [["x again", { "x.txt": "2\n" }]])
        expect(yield* refusedIn(repo, { branch: "x", from: "feature/x" })).toMatchObject({ reason: "exists" })
        const second = yield* capturedIn(repo, { branch: "x", from: "feature/x", force: true })
        expect(second.replaced).toBe(first.commit)
        expect(yield* idOf(repo, `refs/patchmoi/before/patch/x/${first.commit}`)).toBe(first.commit)
        expect(yield* repo.git("log", "-1", "--format=%B", "patch/x")).toBe(
          "patch: x\n\nPatchmoi-Purpose: why\n"
        )
        const said = yield* capturedIn(repo, {
          branch: "x",
          from: "feature/x",
          force: true,
          message: "mine\n\nbody\n\n"
        })
        expect(yield* repo.git("log", "-1", "--format=%B", said.commit)).toBe("mine\n\nbody\n")
        expect(said.subject).toBe("mine")
      })
    )
  )

  test(
    "a feature on the rebuilt stack becomes a patch on upstream, also after the stack was rebuilt anew",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const found = yield* here(repo)
        const onto = "refs/remotes/upstream/main"
        const buildStack = Effect.gen(function* () {
          const built = yield* rebuild({ ...found, patches: found.topology.patches, onto })
          if (built._tag === "Conflicted") return yield* Effect.dieMessage("conflict")
          yield* repo.git("update-ref", "refs/heads/main", built.tip)
        })
        yield* buildStack
        yield* branch(repo, "feature/on-stack", "main", [["on the stack", { "y.txt": "y\n" }]])
        const first = yield* capturedIn(repo, { branch: "y", from: "feature/on-stack" })
        expect(first.base).toBe(yield* objectOf(repo, onto))
        expect(yield* repo.git("diff", "--name-only", onto, "patch/y")).toBe("y.txt")
        // Upstream moves, the stack is rebuilt, and the old stack is known by the reflog alone.
        const newer = yield* branch(repo, "upstream", onto, [["upstream again", { "z.txt": "z\n" }]])
        yield* repo.git("update-ref", onto, newer)
        yield* buildStack
        const second = yield* capturedIn(repo, { branch: "y2", from: "feature/on-stack" })
        expect(second.base).toBe(yield* objectOf(repo, onto))
        expect(yield* repo.git("diff", "--name-only", onto, "patch/y2")).toBe("y.txt")
        // A named base that holds the stack would bring all of it.
        const error = yield* refusedIn(repo, { branch: "y3", from: "feature/on-stack", base: "main" })
        expect(error).toMatchObject({ reason: "carries-others" })
        expect(error.message).toContain("3 commits")
      })
    )
  )

  test(
    "on another patch it brings its own commit only, or is refused where its name comes first",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/b", "patch/020-b", [["on b", { "b.txt": numbered(20, { 3: "bb" }) }]])
        const made = yield* capturedIn(repo, { branch: "030-c", from: "feature/b", base: "patch/020-b" })
        expect(made.base).toBe(yield* objectOf(repo, "patch/020-b"))
        const early = { branch: "015-c", from: "feature/b", base: "patch/020-b" }
        expect(yield* refusedIn(repo, early)).toMatchObject({ reason: "carries-others" })
        // To overwrite a patch that another one stands on is told.
        yield* branch(repo, "feature/nb", "main", [["nb", { "nb.txt": "x\n" }]])
        const over = yield* capturedIn(repo, { branch: "020-b", from: "feature/nb", force: true })
        expect(over.dependents).toEqual(["patch/030-c"])
      })
    )
  )

  test(
    "a conflict is told in full and moves nothing",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const from = yield* branch(repo, "feature/clash", "v1", [
          ["clash", { "a.txt": numbered(20, { 18: "mine" }) }]
        ])
        const before = yield* snapshot(repo)
        const result = yield* captureIn(repo, { branch: "c", from: "feature/clash" })
        expect(result).toMatchObject({
          _tag: "Conflicted",
          patch: "patch/c",
          conflict: { commit: from, files: [{ path: "a.txt", kind: "content" }] }
        })
        expect(yield* snapshot(repo)).toEqual(before)
      })
    )
  )

  test(
    "binaries, modes, symlinks, paths that are no UTF-8, and names with slashes",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/odd", "v1", [
          [
            "odd",
            {
              "bin.dat": Uint8Array.from([0, 255, 1, 0]),
              run: { content: "#!/bin/sh\n", executable: true },
              link: { symlink: "a.txt" }
            }
          ]
        ])
        const blob = yield* repo.git("rev-parse", "feature/odd:bin.dat")
        const directory = yield* makeTempDirectory
        const env = { GIT_INDEX_FILE: `${directory}/index` }
        yield* repo.run({ args: ["read-tree", "feature/odd"], env })
        yield* repo.run({
          args: ["update-index", "-z", "--index-info"],
          env,
          stdin: Buffer.concat([Buffer.from(`100644 ${blob}\t`), Buffer.from([0x6f, 0xff, 0])])
        })
        const tree = yield* repo.run({ args: ["write-tree"], env })
        const odd = yield* repo.git("commit-tree", "-p", "feature/odd", "-m", "bytes", tree)
        const made = yield* capturedIn(repo, { branch: "area/deep/odd", from: odd })
        expect(made).toMatchObject({ patch: "patch/area/deep/odd", files: 4 })
        expect(yield* repo.git("ls-tree", "-r", "--format=%(objectmode) %(path)", made.commit)).toContain(
          '100644 "o\\377"'
        )
        expect(yield* repo.git("ls-tree", "--format=%(objectmode)", made.commit, "run", "link")).toBe(
          "120000\n100755"
        )
        for (const clash of ["area", "area/deep/odd/below"]) {
          const error = yield* refusedIn(repo, { branch: clash, from: odd })
          expect(error).toMatchObject({ reason: "name-clash" })
        }
      })
    )
  )

  test(
    "what cannot be captured is refused with the reason",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/x", "main", [["x", { "x.txt": "1\n" }]])
        expect(yield* refusedIn(repo, { branch: "..", from: "feature/x" })).toMatchObject({
          _tag: "InvalidName"
        })
        expect(yield* refusedIn(repo, { branch: "x", from: "--upload-pack=x" })).toMatchObject({
          _tag: "InvalidName"
        })
        expect(yield* refusedIn(repo, { branch: "x", from: "nowhere" })).toMatchObject({
          _tag: "RevisionNotFound"
        })
        const directory = yield* makeTempDirectory
        yield* repo.git("worktree", "add", "--quiet", `${directory}/linked`, "patch/010-a")
        const taken = { branch: "010-a", from: "feature/x", force: true }
        expect(yield* refusedIn(repo, taken)).toMatchObject({ _tag: "BranchCheckedOut" })
        yield* repo.git("symbolic-ref", "refs/heads/patch/sym", "refs/heads/patch/020-b")
        expect(yield* refusedIn(repo, { ...taken, branch: "sym" })).toMatchObject({ reason: "symbolic" })
        const tree = yield* repo.git("rev-parse", "main^{tree}")
        const alien = yield* repo.git("commit-tree", "-m", "alien", tree)
        expect(yield* refusedIn(repo, { branch: "x", from: alien })).toMatchObject({
          reason: "no-merge-base"
        })
        yield* repo.git("update-ref", "-d", "refs/remotes/upstream/main")
        expect(yield* refusedIn(repo, { branch: "x", from: "feature/x" })).toMatchObject({
          _tag: "UpstreamUnknown"
        })
      })
    )
  )

  test(
    "works in a bare repository and from a linked work tree",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        yield* branch(repo, "feature/x", "main", [["x", { "x.txt": "1\n" }]])
        const linked = `${yield* makeTempDirectory}/linked`
        yield* repo.git("worktree", "add", "--quiet", "--detach", linked, "main")
        const { topology } = yield* here(repo)
        const inLinked = { repository: yield* openRepository({ directory: linked }), topology }
        const first = yield* capture({ ...inLinked, branch: "x", from: "feature/x" })
        expect(first).toMatchObject({ _tag: "Captured", patch: "patch/x" })
        const bare = yield* makeTempDirectory
        yield* repo.git("clone", "--quiet", "--mirror", ".", bare)
        const inBare = { repository: yield* openRepository({ directory: bare }), topology }
        const second = yield* capture({ ...inBare, branch: "x2", from: "feature/x" })
        expect(second._tag === "Captured" && first._tag === "Captured" && second.base).toBe(
          first._tag === "Captured" && first.base
        )
        expect(yield* repo.run({ args: ["--git-dir", bare, "rev-parse", "refs/heads/patch/x2"] })).toBe(
          second._tag === "Captured" ? second.commit : ""
        )
      })
    )
  )

  test(
    "a feature that was merged crosswise with its base is refused",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeStack()
        const left = yield* repo.git("commit-tree", "-p", "main", "-m", "left", "main^{tree}")
        const right = yield* repo.git("commit-tree", "-p", "main", "-m", "right", "v1^{tree}")
        const merge = (tree: string, a: string, b: string) =>
          repo.git("commit-tree", "-p", a, "-p", b, "-m", "merge", tree)
        const base = yield* merge("main^{tree}", left, right)
        const from = yield* merge("v1^{tree}", right, left)
        yield* repo.git("update-ref", "refs/remotes/upstream/main", base)
        const error = yield* refusedIn(repo, { branch: "x", from, base })
        expect(error).toMatchObject({ reason: "no-merge-base" })
        expect(error.message).toContain("crosswise")
      })
    )
  )
})
