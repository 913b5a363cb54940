/** Addresses for the git program: which of them it never sees, ssh by a stand-in that runs the server here, and what is left. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../../src/GitCli.ts"
import { isolatedEnvironment, makeTempDirectory, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { makeProgramTransport } from "../../src/transport/ProgramTransport.ts"
import { makeTransport } from "../../src/transport/TransportByUrl.ts"
import { withGit } from "../support.ts"
import { makeWorld, pushOf } from "./world.ts"

const at = (url: string) => ({ url, authorization: null })

/** How many temporary repositories there are for a repository: those of other tests are not counted. */
const storesOf = (directory: string): number =>
  [...new Bun.Glob("patchmoi-transport-*/store-*/config").scanSync(tmpdir())].filter((config) =>
    readFileSync(join(tmpdir(), config), "utf8").includes(directory)
  ).length

describe("addresses", () => {
  test(
    "that would run programs, are options, relative, or hold a password never reach git",
    withGit(() =>
      Effect.gen(function* () {
        const transport = yield* makeTransport()
        const witness = join(yield* makeTempDirectory, "pwned")
        for (const url of [
          `ext::touch ${witness}`,
          `--upload-pack=touch ${witness}`,
          `ssh://-oProxyCommand=touch ${witness}/x`,
          `-oProxyCommand=touch ${witness}:x`,
          "me@-oProxyCommand=x:y",
          "ssh://me:hunter2@host/x.git",
          "relative/path",
          "../up",
          "ftp://host/x.git",
          "file:///a\nb",
          ""
        ]) {
          const error = yield* Effect.flip(transport.readHead(at(url), null))
          expect(error._tag).toBe("UnusableUrl")
          expect(error.message).not.toContain("hunter2")
        }
        expect(existsSync(witness)).toBe(false)
      })
    )
  )

  test(
    "by path and by file:// are the same repository",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const transport = yield* makeTransport()
        for (const url of [world.bare.directory, `file://${world.bare.directory}`])
          expect((yield* transport.readHead(at(url), null)).commit).toBe(world.first)
      })
    )
  )
})

describe("ssh", () => {
  /** The transport with this script in place of ssh. */
  const withSsh = Effect.fnUntraced(function* (script: string) {
    const home = yield* tempRepoAt(yield* makeTempDirectory)
    yield* home.write({ ssh: { content: `#!/bin/sh\n${script}\n`, executable: true } })
    const env = {
      ...isolatedEnvironment,
      GIT_SSH_COMMAND: join(home.directory, "ssh"),
      GIT_SSH_VARIANT: "simple"
    }
    return yield* Effect.provide(makeProgramTransport(), layerGitCli({ env }))
  })

  test(
    "reads and pushes by ssh:// and by host:path",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const transport = yield* withSsh('shift; eval "$@"')
        let expected = world.first
        for (const url of [`ssh://git@host${world.bare.directory}`, `git@host:${world.bare.directory}`]) {
          const target = at(url)
          const head = yield* transport.readHead(target, null)
          expect(head).toEqual({ branch: world.branch, commit: expected })
          const view = yield* transport.readCommit(target, { commit: expected, paths: ["a/b/version"] })
          const pushed = yield* transport.pushFile(
            target,
            pushOf({ branch: head.branch, view, path: "a/b/version", content: Buffer.from(url) })
          )
          expected = pushed.commit
          expect(yield* world.bare.git("rev-parse", "trunk")).toBe(expected)
        }
      })
    )
  )

  test(
    "tells apart who is not let in, what is not there, and who cannot be reached",
    withGit(() =>
      Effect.gen(function* () {
        const cases = [
          ["git@host: Permission denied (publickey).", "AuthenticationFailed"],
          ["ERROR: Repository not found.", "RepositoryNotFound"],
          ["ssh: Could not resolve hostname host: Name or service not known", "Unreachable"],
          ["ssh: connect to host host port 22: Connection refused", "Unreachable"]
        ]
        for (const [words, tag] of cases) {
          const transport = yield* withSsh(`echo '${words}' >&2; exit 255`)
          const error = yield* Effect.flip(transport.readHead(at("ssh://git@host/x.git"), null))
          expect(error).toMatchObject({ _tag: tag })
        }
      })
    )
  )
})

test(
  "settings that forbid to find bare repositories forbid nothing here",
  withGit(() =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const settings = join(yield* makeTempDirectory, "config")
      yield* Effect.promise(() => Bun.write(settings, "[safe]\n\tbareRepository = explicit\n"))
      const env = { ...isolatedEnvironment, GIT_CONFIG_GLOBAL: settings }
      const transport = yield* Effect.provide(makeProgramTransport(), layerGitCli({ env }))
      const target = at(`file://${world.bare.directory}`)
      const view = yield* transport.readCommit(target, { commit: world.first, paths: ["a.txt"] })
      const pushed = yield* transport.pushFile(target, pushOf({ branch: world.branch, view, path: "a.txt" }))
      expect(yield* world.bare.git("rev-parse", "trunk")).toBe(pushed.commit)
    })
  )
)

test(
  "a repository whose branch is checked out declines in words, and no folder is left behind",
  withGit(() =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const transport = yield* makeProgramTransport()
          const target = at(`file://${world.work.directory}`)
          const view = yield* transport.readCommit(target, { commit: world.first, paths: ["a.txt"] })
          const pushing = transport.pushFile(target, pushOf({ branch: world.branch, view, path: "a.txt" }))
          const error = yield* Effect.flip(pushing)
          if (error._tag !== "HookDeclined") throw error
          expect(error.said).toContain("branch is currently checked out")
          expect(storesOf(world.work.directory)).toBe(1)
        })
      )
      expect(storesOf(world.work.directory)).toBe(0)
      expect(yield* world.work.git("status", "--porcelain")).toBe("")
    })
  )
)
