import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { commitMessageOf, hasCascadeTrailer, targetsMax } from "../../src/cascade/CascadeConfig.ts"
import { loadCascadeConfig, parseCascadeConfig } from "../../src/cascade/readConfig.ts"
import { makeTempDirectory } from "../../src/testing/TempRepo.ts"

const parse = (text: string, giteaUrl?: string) =>
  parseCascadeConfig({ file: "cascade.toml", text, giteaUrl })

const refusal = (text: string) => Either.getOrThrow(Either.flip(parse(text))).message.split("\n")

const least = 'name = "runtime"\ntargets = ["https://git.example/acme/web.git"]\n'

describe("cascade.toml", () => {
  test("the least file has every default", () => {
    expect(Either.getOrThrow(parse(least))).toMatchObject({
      name: "runtime",
      file: ".runtime-version",
      message: "chore: pin runtime to <version> (<name> cascade)",
      author: { name: "patchmoi" },
      probe: null,
      eventType: "runtime",
      concurrency: 16,
      attempts: 3,
      targetMillis: 60_000,
      warnings: [],
      targets: [
        {
          url: "https://git.example/acme/web.git",
          repository: "git.example/acme/web",
          branch: null,
          enabled: true,
          forge: "gitea",
          mode: "push",
          tokenEnv: "DISPATCH_TOKEN"
        }
      ]
    })
  })

  test("every key is read, and a target's own word wins", () => {
    const text = `
name = "codex"
file = "config/codex.version"
message = "build: codex <version>"
mode = "auto"
probe = ".forgejo/workflows/codex.yml"
event_type = "codex-release"
token_env = "FORGE_TOKEN"
concurrency = 64
attempts = 5
timeout_ms = 5000
[author]
name = "Ada"
email = "ada@example.com"
[[targets]]
url = "acme/web"
branch = "release/one"
forge = "forgejo"
[[targets]]
url = "https://github.com/acme/api"
enabled = false
mode = "dispatch"
token_env = "GITHUB_TOKEN"
[[targets]]
url = "git@git.example:acme/tool.git"
mode = "push"
`
    const config = Either.getOrThrow(parse(text, "https://forge.example/"))
    expect(config).toMatchObject({
      file: "config/codex.version",
      eventType: "codex-release",
      concurrency: 64,
      attempts: 5,
      targetMillis: 5_000,
      author: { name: "Ada", email: "ada@example.com" }
    })
    expect(config.targets).toMatchObject([
      {
        id: "https://forge.example/acme/web.git#release/one",
        branch: "refs/heads/release/one",
        forge: "forgejo",
        workflow: "codex.yml",
        mode: "auto",
        tokenEnv: "FORGE_TOKEN"
      },
      { forge: "github", enabled: false, mode: "dispatch", tokenEnv: "GITHUB_TOKEN" },
      { url: "git@git.example:acme/tool.git", forge: "git", repository: "git.example/acme/tool" }
    ])
  })

  test("every problem is told at once, with file, line and key", () => {
    const text = `name = "no spaces"
file = "../outside"
concurrency = 65
attempts = 0
timeout_ms = 5
[author]
name = "a <b>"
[[targets]]
url = "ext::sh -c x"
[[targets]]
branch = "--mirror"
`
    expect(refusal(text)).toEqual([
      expect.stringContaining("cascade.toml:1: name: expected a name of at most 64"),
      expect.stringContaining("cascade.toml:2: file: expected a path in the target"),
      expect.stringContaining("author.name: expected a name of 1 to 200"),
      expect.stringContaining("author.email: expected an address"),
      expect.stringContaining("cascade.toml:3: concurrency: expected a whole number from 1 to 64, found 65"),
      expect.stringContaining("cascade.toml:4: attempts: expected a whole number from 1 to 20, found 0"),
      expect.stringContaining("cascade.toml:5: timeout_ms: expected whole milliseconds from 1000"),
      expect.stringContaining("cascade.toml:10: targets[1].url: expected the address of a repository"),
      expect.stringContaining("cascade.toml:11: targets[1].branch: expected a branch name")
    ])
  })

  test.each([
    ["ext::sh -c x", /space/],
    ["ext::sh", /https, http, ssh or file/],
    ["-oProxyCommand=x", /dash/],
    ["git@-oProxyCommand=x:y", /neither a URL/],
    ["https://me:secret@git.example/a/b", /password/],
    ["https://me@git.example/a/b", /user name/],
    ["https://git.example/", /names no repository/],
    ["https://git.example/a/b?x=1", /query/],
    ["acme/web", /GITEA_URL/],
    ["../web", /neither a URL/]
  ])("the address %j is refused", (url, reason) => {
    const lines = refusal(`name = "x"\ntargets = [${JSON.stringify(url)}]`)
    expect(lines[0]).toMatch(/targets\[0\]\.url/)
    expect(lines[0]).toMatch(reason)
    expect(lines[0]).not.toContain("secret")
  })

  test.each([
    ['targets = "https://me:secret@git.example/a/b"', 'found "https://***@git.example/a/b"'],
    ['targets = [["https://me:secret@git.example/a/b"]]', "expected a table"],
    ['[[targets]]\nurl = ["https://me:secret@git.example/a/b"]', "expected the address of a repository"],
    ['targets = ["https://me:pass@secret@git.example/a/b"]', "holds a password"],
    ['targets = ["https://me:pass/secret@git.example/a/b"]', "neither a URL"],
    [
      '[[targets]]\nurl = "https://git.example/a/b"\ntoken_env = "my-secret"',
      "the name of an environment variable"
    ]
  ])("what is written as %j is refused without its secret", (text, said) => {
    const [line] = refusal(`name = "x"\n${text}`)
    expect(line).toContain(said)
    expect(line).not.toContain("secret")
  })

  test("two spellings of one repository are one target too many", () => {
    const text = `name = "x"
targets = ["https://git.example/acme/web.git", "ssh://git@git.example:2222/Acme/Web/"]`
    expect(refusal(text)[0]).toContain("expected a repository and branch that no other target has")
    expect(
      Either.isRight(
        parse(
          'name = "x"\ntargets = [{ url = "https://a.example/b/c" }, { url = "https://a.example/b/c", branch = "v1" }]'
        )
      )
    ).toBe(true)
  })

  test("a dispatch that cannot be made is refused when the file is read", () => {
    expect(refusal('name = "x"\nmode = "dispatch"\ntargets = ["https://git.example/a/b"]')[0]).toContain(
      "set workflow"
    )
    expect(refusal('name = "x"\nmode = "dispatch"\ntargets = ["git@git.example:a/b"]')[0]).toContain(
      "not an http"
    )
  })

  test("an unknown key is a warning with the nearest one", () => {
    const { warnings } = Either.getOrThrow(
      parse(
        `nme = "x"\n${least.replace("targets", "concurency = 3\ntargets")}[author]\nname = "a"\nemail = "b"\nmail = "c"\n`
      )
    )
    expect(warnings).toMatchObject([
      { line: 1, field: "nme", expected: '"name"' },
      { line: 3, field: "concurency", expected: '"concurrency"' },
      { field: "author.mail", expected: '"email"' }
    ])
  })

  test("there is a bound on the targets", () => {
    const list = (count: number) =>
      `name = "x"\ntargets = [${Array.from({ length: count }, (_, at) => `"https://git.example/a/r${at}"`).join(",")}]`
    expect(Either.getOrThrow(parse(list(targetsMax))).targets).toHaveLength(targetsMax)
    expect(refusal(list(targetsMax + 1))[0]).toContain(`1 to ${targetsMax} [[targets]]`)
    expect(refusal('name = "x"\ntargets = []')[0]).toContain("1 to")
    expect(refusal('name = "x"')[0]).toContain("targets: expected 1 to")
  })

  it.live("a file is read with GITEA_URL; one that is not there or no TOML is refused", () =>
    Effect.gen(function* () {
      const directory = yield* makeTempDirectory
      const file = join(directory, "cascade.toml")
      const missing = yield* Effect.flip(loadCascadeConfig(file))
      expect(missing.message).toContain("a readable file")
      yield* Effect.promise(() => Bun.write(file, "name = "))
      expect((yield* Effect.flip(loadCascadeConfig(file))).message).toContain("expected valid TOML")
      yield* Effect.promise(() => Bun.write(file, 'name = "x"\ntargets = ["acme/web"]'))
      const config = yield* loadCascadeConfig(file).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["GITEA_URL", "http://127.0.0.1:3000"]])))
      )
      expect(config.targets[0]?.url).toBe("http://127.0.0.1:3000/acme/web.git")
      yield* Effect.promise(() => Bun.write(file, "#".repeat(1024 * 1024 + 1)))
      expect((yield* Effect.flip(loadCascadeConfig(file))).message).toContain("a longer one")
    })
  )
})

describe("the commit message", () => {
  test("has the placeholders filled in and the trailer, and is known by it", () => {
    const message = commitMessageOf({ message: "chore: pin <name> to <version>", name: "runtime" }, "1.2.3")
    expect(message).toBe("chore: pin runtime to 1.2.3\n\nPatchmoi-Cascade: runtime\n")
    expect(hasCascadeTrailer(message, "runtime")).toBe(true)
    expect(hasCascadeTrailer(message, "other")).toBe(false)
    expect(hasCascadeTrailer(`${message}\nSigned-off-by: Ada <ada@example.com>\n`, "runtime")).toBe(false)
    expect(hasCascadeTrailer("Revert\n\nPatchmoi-Cascade: runtime\n\nA person wrote this.", "runtime")).toBe(
      false
    )
  })
})
