import { describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CandidateChecks } from "../../src/check/CandidateChecks.ts"
import { parseObjectId } from "../../src/GitName.ts"
import { withGit } from "../support.ts"
import { checkStack, makeStack } from "./stack.ts"

const bad = { "bad.txt": "x\n" }
const file = (name: string) => ({ [`${name}.txt`]: `${name}\n` })

describe("runCandidateChecks", () => {
  test(
    "runs on upstream first, then on the stack; the same again runs nothing",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b"), file("c")])
        const checks = [stack.noted("install", "touch installed"), stack.noted("test", "test -e installed")]
        const first = yield* checkStack(stack, checks)
        expect(first).toMatchObject({ verdict: "passed", upstream: stack.base, tip: stack.tip })
        expect(first.checks.map(({ verdict }) => verdict)).toEqual(["passed", "passed"])
        expect(first.checks[0]).toMatchObject({
          control: { at: stack.base },
          run: { at: stack.tip, cached: false }
        })
        expect(yield* stack.ran()).toEqual(["install", "test", "install", "test"])
        const again = yield* checkStack(stack, checks)
        expect(again.checks.map(({ run }) => run?.cached)).toEqual([true, true])
        expect(yield* stack.ran()).toEqual([])
        expect(yield* Schema.decodeUnknown(CandidateChecks)(JSON.parse(JSON.stringify(again)))).toEqual(again)
        expect(yield* stack.repo.git("worktree", "list", "--porcelain")).not.toContain("patchmoi-worktree")
      })
    )
  )

  test(
    "an answer is the tree's, and is shared by commits and candidates with that tree",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b")])
        const checks = [stack.noted("test", "true")]
        yield* checkStack(stack, checks)
        yield* stack.ran()
        const tree = `${stack.tip}^{tree}`
        const tip = yield* parseObjectId(
          yield* stack.repo.git("commit-tree", "-m", "other", "-p", stack.base, tree)
        )
        const told = yield* checkStack({ ...stack, tip, applied: [{ patch: "patch/1", tip }] }, checks)
        expect(tip).not.toBe(stack.tip)
        expect(told.verdict).toBe("passed")
        expect(yield* stack.ran()).toEqual([])
        // Another command before it is another state of the work tree.
        yield* checkStack(stack, ["true", ...checks])
        expect(yield* stack.ran()).toEqual(["test", "test"])
        // Another value of a variable that counts is another toolchain.
        yield* checkStack(stack, checks, { toolchain: { commands: ["echo 1"], files: [], environment: [] } })
        expect(yield* stack.ran()).toEqual(["test", "test"])
      })
    )
  )

  test(
    "what a work tree's earlier checks left is there, although their answers are known",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b")])
        const install = stack.noted("install", "touch installed")
        yield* checkStack(stack, [install])
        yield* stack.ran()
        const told = yield* checkStack(stack, [install, stack.noted("test", "test -e installed")])
        expect(told.verdict).toBe("passed")
        expect(yield* stack.ran()).toEqual(["install", "test", "install", "test"])
      })
    )
  )

  test(
    "a red upstream is not the fork's fault, and does not end the run",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack(bad, [file("b")])
        const told = yield* checkStack(stack, ["test ! -e bad.txt", "test -e b.txt || test -e bad.txt"])
        expect(told.verdict).toBe("failed-upstream-too")
        expect(told.checks.map(({ verdict }) => verdict)).toEqual(["failed-upstream-too", "passed"])
        expect(told.checks[0]).toMatchObject({ blame: null, control: { outcome: "failed" } })
      })
    )
  )

  test(
    "without the control run, the stack is red and nobody is blamed",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack(bad, [file("b")])
        const told = yield* checkStack(stack, ["test ! -e bad.txt", "true"], { control: false })
        expect(told.verdict).toBe("failed")
        expect(told.checks.map(({ verdict }) => verdict)).toEqual(["failed", "not-run"])
        expect(told.checks[0]?.blame).toBe(null)
      })
    )
  )

  test(
    "finds the patch by halving, each place asked once, and says what it printed",
    withGit(() =>
      Effect.gen(function* () {
        const patches = Array.from({ length: 16 }, (_, at) => (at === 5 ? bad : file(`f${at}`)))
        const stack = yield* makeStack({ "a.txt": "a\n" }, patches)
        const command = stack.noted("test", "echo it is $(cat bad.txt 2>/dev/null); test ! -e bad.txt")
        const told = yield* checkStack(stack, [command, "true"])
        expect(told.checks.map(({ verdict }) => verdict)).toEqual(["failed", "not-run"])
        const before = stack.applied[4]?.tip
        const at = stack.applied[5]?.tip
        if (before === undefined || at === undefined) throw new Error("the stack is too short")
        expect(told.checks[0]?.blame).toEqual({
          _tag: "BadPatch",
          patch: "patch/6",
          at,
          before,
          run: { command, outcome: "failed", exitCode: 1, output: "it is x\n", outputBytesOmitted: 0 },
          lookedAt: 5
        })
        // Upstream, the tip twice, four halves, and a second look on both sides of the patch.
        expect(yield* stack.ran()).toHaveLength(1 + 2 + 4 + 2)
        yield* checkStack(stack, [command, "true"])
        expect(yield* stack.ran()).toEqual([])
      })
    )
  )

  test(
    "finds each bad patch of a stack of five, at both ends",
    withGit(() =>
      Effect.gen(function* () {
        for (const at of [0, 4]) {
          const patches = Array.from({ length: 5 }, (_, index) => (index === at ? bad : file(`f${index}`)))
          const stack = yield* makeStack({ "a.txt": "a\n" }, patches)
          const tree = { command: 'test -z "$(git ls-tree "$PATCHMOI_TREE" bad.txt)"', kind: "tree" } as const
          const told = yield* checkStack(stack, [tree])
          expect(told.checks[0]?.blame).toMatchObject({ _tag: "BadPatch", patch: `patch/${at + 1}` })
        }
      })
    )
  )

  test(
    "a check that answers now so, now so is flaky, and blames no patch",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b"), file("c")])
        const flag = join(stack.outside, "flag")
        // Fails on every second run.
        const command = `if test -e ${flag}; then rm ${flag}; exit 1; else touch ${flag}; fi`
        const told = yield* checkStack(stack, [command])
        expect(told.checks[0]).toMatchObject({ verdict: "failed", flaky: true, blame: { _tag: "Flaky" } })
        yield* Effect.promise(() => writeFile(flag, ""))
        const again = yield* checkStack(stack, [command], { reuse: false })
        expect(again.checks[0]?.flaky).toBe(true)
      })
    )
  )

  test(
    "runs anew when the cache is off, and notices that an answer has changed",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b")])
        const flag = join(stack.outside, "flag")
        const command = stack.noted("test", `test ! -e ${flag}`)
        expect((yield* checkStack(stack, [command])).checks[0]?.flaky).toBe(false)
        yield* stack.ran()
        yield* Effect.promise(() => writeFile(flag, ""))
        expect((yield* checkStack(stack, [command])).verdict).toBe("passed")
        expect(yield* stack.ran()).toEqual([])
        const anew = yield* checkStack(stack, [command], { reuse: false })
        expect(anew.checks[0]).toMatchObject({
          verdict: "failed-upstream-too",
          flaky: true,
          run: { times: 1 }
        })
      })
    )
  )

  test(
    "over its time is not kept, and blames no patch",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b")])
        const command = stack.noted("test", "if test -e b.txt; then sleep 30; fi")
        const told = yield* checkStack(stack, [command], { timeoutMillis: 500 })
        expect(told.checks[0]).toMatchObject({
          verdict: "failed",
          run: { outcome: "timeout" },
          blame: { _tag: "NotSearched", reason: "timeout" }
        })
        yield* stack.ran()
        yield* checkStack(stack, [command], { timeoutMillis: 500 })
        expect(yield* stack.ran()).toEqual(["test"])
      })
    )
  )

  test(
    "a check of a tree needs no checkout: empty folder, tree by name; also with sha256",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "needle\n" }, [file("b")], "sha256")
        const checks = [
          { command: 'test -z "$(ls -A)" && git grep -q needle "$PATCHMOI_TREE"', kind: "tree" },
          {
            command: 'git cat-file -e "$PATCHMOI_TREE:b.txt" || git cat-file -e "$PATCHMOI_TREE:a.txt"',
            kind: "tree"
          }
        ] as const
        const before = yield* stack.repo.git("worktree", "list", "--porcelain")
        const told = yield* checkStack(stack, checks)
        expect(told.verdict).toBe("passed")
        expect(told.checks.map(({ kind }) => kind)).toEqual(["tree", "tree"])
        expect(yield* stack.repo.git("worktree", "list", "--porcelain")).toBe(before)
        expect(told.tree).toHaveLength(64)
      })
    )
  )

  test(
    "no checks is not-run; too many, an unknown commit and a toolchain that cannot be told are refused",
    withGit(() =>
      Effect.gen(function* () {
        const stack = yield* makeStack({ "a.txt": "a\n" }, [file("b")])
        expect((yield* checkStack(stack, [])).verdict).toBe("not-run")
        const many = yield* Effect.flip(checkStack(stack, Array(101).fill("true")))
        expect(many).toMatchObject({ _tag: "TooManyChecks", found: 101 })
        const missing = { ...stack, tip: yield* parseObjectId("1".repeat(40)) }
        expect(yield* Effect.flip(checkStack(missing, ["true"]))).toMatchObject({ _tag: "RevisionNotFound" })
        const toolchain = { commands: [], files: [stack.outside], environment: [] }
        expect(yield* Effect.flip(checkStack(stack, ["true"], { toolchain }))).toMatchObject({
          _tag: "ToolchainUnknown",
          part: stack.outside
        })
      })
    )
  )
})
