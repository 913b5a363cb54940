/** Which folders are flows, which of them wins, and what a change on disk does. Real folders and links. */
import { describe, expect, test } from "bun:test"
import { mkdir, rename, rm, symlink, utimes } from "node:fs/promises"
import { join } from "node:path"
import type { CatalogSnapshot } from "@patchmoi/core/flow/Flow"
import { manifestBytesMax, schemaFileBytesMax } from "../../src/flow/FlowFolder.ts"
import { FlowFolders, foldersPerRootMax } from "../../src/flow/FlowFolders.ts"
import { makeWorkspace, manifestText, type Workspace } from "./workspace.ts"

const flowFiles = (folder: string, name: string, step = "", rest = ""): Record<string, string> => ({
  [`${folder}/flow.toml`]: manifestText(name, step, rest),
  [`${folder}/go.ts`]: ""
})

const trigger = '[steps.trigger]\ntype = "a.b"\nschema = "s.json"'

const read = ({ root }: Workspace, roots?: ReadonlyArray<string>): CatalogSnapshot =>
  new FlowFolders({ workspaceRoot: root, ...(roots === undefined ? {} : { roots }) }).read()

const rootsOf = ({ root }: Workspace, snapshot: CatalogSnapshot): ReadonlyArray<string> =>
  snapshot.flows.map((flow) => flow.root.slice(root.length + 1))

describe("discovery", () => {
  test("takes .codex/flows before flows, folders in code-unit order, and skips what is no flow", async () => {
    await using workspace = await makeWorkspace({
      ...flowFiles("flows/b", "b"),
      ...flowFiles("flows/B", "B"),
      ...flowFiles("flows/a", "a"),
      ...flowFiles(".codex/flows/z", "z"),
      ...flowFiles("flows/nested/deeper", "too-deep"),
      "flows/empty/readme.md": "",
      "flows/flow.toml": manifestText("not-a-folder")
    })
    const snapshot = await read(workspace)
    expect(rootsOf(workspace, snapshot)).toEqual([".codex/flows/z", "flows/B", "flows/a", "flows/b"])
    expect(snapshot.broken).toEqual([])
  })

  test("no roots, no flows", async () => {
    await using workspace = await makeWorkspace()
    expect(await read(workspace)).toEqual({ flows: [], broken: [] })
  })

  test("takes other roots, relative or absolute", async () => {
    await using workspace = await makeWorkspace({
      ...flowFiles("x/one", "one"),
      ...flowFiles("y/two", "two")
    })
    const snapshot = await read(workspace, [join(workspace.root, "y"), "x"])
    expect(rootsOf(workspace, snapshot)).toEqual(["y/two", "x/one"])
  })

  test("a root that is no folder is broken, and stops nothing", async () => {
    await using workspace = await makeWorkspace({ ...flowFiles("flows/a", "a"), file: "" })
    const snapshot = await read(workspace, ["file", "flows"])
    expect(rootsOf(workspace, snapshot)).toEqual(["flows/a"])
    expect(snapshot.broken).toMatchObject([{ issues: [{ message: "cannot be listed (ENOTDIR)" }] }])
  })

  test("the first flow of a name wins, and tells which it shadows", async () => {
    await using workspace = await makeWorkspace({
      ...flowFiles(".codex/flows/x", "same"),
      ...flowFiles("flows/a", "same"),
      ...flowFiles("flows/b", "same")
    })
    const snapshot = await read(workspace)
    expect(rootsOf(workspace, snapshot)).toEqual([".codex/flows/x"])
    expect(snapshot.flows[0]?.warnings).toEqual([
      `${workspace.root}/flows/a holds a flow of the same name, which is shadowed by this one`,
      `${workspace.root}/flows/b holds a flow of the same name, which is shadowed by this one`
    ])
  })

  test("a broken flow is listed and stops no other; the next of its name stands in", async () => {
    await using workspace = await makeWorkspace({
      ".codex/flows/x/flow.toml": manifestText("same"),
      ".codex/flows/y/flow.toml": 'name = "y"\nversion =\n',
      ...flowFiles("flows/a", "same")
    })
    const snapshot = await read(workspace)
    expect(rootsOf(workspace, snapshot)).toEqual(["flows/a"])
    expect(snapshot.flows[0]?.warnings).toEqual([
      `stands in for the flow of the same name in ${workspace.root}/.codex/flows/x, which is broken`
    ])
    expect(snapshot.broken).toMatchObject([
      { root: join(workspace.root, ".codex/flows/x"), issues: [{ field: "steps[0].script" }] },
      { file: join(workspace.root, ".codex/flows/y/flow.toml"), issues: [{ line: 2 }] }
    ])
  })

  test("all that is wrong is told at once: fields, paths and schemas", async () => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": manifestText("a", "timeout_ms = 0", trigger),
      "flows/a/s.json": "{ nonsense"
    })
    const { broken } = await read(workspace)
    expect(broken[0]?.issues.map((issue) => [issue.field, issue.file.split("/").at(-1)])).toEqual([
      ["steps[0].timeout_ms", "flow.toml"],
      ["steps[0].script", "flow.toml"],
      ["steps[0].trigger.schema", "s.json"]
    ])
  })

  test("a manifest or a schema that is too large, or no file, is broken", async () => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": `# ${"x".repeat(manifestBytesMax)}`,
      ...flowFiles("flows/b", "b", "", trigger),
      "flows/b/s.json": " ".repeat(schemaFileBytesMax + 1),
      "flows/c/flow.toml/x": "",
      ...flowFiles("flows/d", "d", "", trigger),
      "flows/d/s.json": "[]"
    })
    const { broken } = await read(workspace)
    expect(broken.map((each) => each.issues.map((issue) => issue.message))).toEqual([
      [`is larger than ${manifestBytesMax} bytes`],
      [`is larger than ${schemaFileBytesMax} bytes`],
      ["is no file"],
      ["is no JSON Schema: it must be an object or a boolean"]
    ])
  })

  test("more folders than are read are told", async () => {
    await using workspace = await makeWorkspace()
    // Empty folders are enough: what is beyond the bound is not even looked into.
    const folders = Array.from({ length: foldersPerRootMax + 2 }, (_, index) =>
      join(workspace.root, "flows", `f${index}`)
    )
    await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
    const { broken } = await read(workspace)
    expect(broken).toMatchObject([
      {
        root: join(workspace.root, "flows"),
        issues: [{ message: "holds 2 folders more than the 1000 that are read" }]
      }
    ])
  })
})

describe("symbolic links", () => {
  test("a linked folder is a flow, also from outside of the workspace, but once", async () => {
    await using outside = await makeWorkspace(flowFiles("kit", "kit"))
    await using workspace = await makeWorkspace(flowFiles("flows/a", "a"))
    const link = (to: string, name: string) => symlink(to, join(workspace.root, "flows", name))
    await link(join(outside.root, "kit"), "kit")
    await link(join(outside.root, "kit"), "kit2")
    await link("a", "b")
    await link("b", "c")
    const snapshot = await read(workspace)
    expect(rootsOf(workspace, snapshot)).toEqual(["flows/a", "flows/kit"])
    expect(snapshot.flows[1]?.steps[0]?.plan).toMatchObject({
      script: join(outside.root, "kit/go.ts"),
      cwd: join(outside.root, "kit")
    })
    expect(snapshot.broken).toEqual([])
    expect(snapshot.flows.flatMap((flow) => flow.warnings)).toEqual([])
  })

  test("loops end, and a link to nothing is told", async () => {
    await using workspace = await makeWorkspace(flowFiles("flows/a", "a"))
    const flows = join(workspace.root, "flows")
    await symlink(flows, join(flows, "up"))
    await symlink(workspace.root, join(flows, "top"))
    await symlink("self", join(flows, "self"))
    await symlink("nowhere", join(flows, "dangling"))
    await symlink("a/go.ts", join(flows, "to-a-file"))
    const snapshot = await read(workspace)
    expect(rootsOf(workspace, snapshot)).toEqual(["flows/a"])
    expect(snapshot.broken.map((each) => each.issues[0]?.message)).toEqual([
      "is a link to nothing",
      "cannot be followed (ELOOP)"
    ])
  })

  test("a root may be a link", async () => {
    await using workspace = await makeWorkspace(flowFiles("kits/a", "a"))
    await symlink("kits", join(workspace.root, "flows"))
    expect(rootsOf(workspace, await read(workspace))).toEqual(["flows/a"])
  })

  test("a workspace that is reached through a link holds its files", async () => {
    await using workspace = await makeWorkspace(flowFiles("real/flows/a", "a", 'cwd = "../.."'))
    await symlink("real", join(workspace.root, "link"))
    const snapshot = new FlowFolders({ workspaceRoot: join(workspace.root, "link") }).read()
    expect(snapshot.broken).toEqual([])
    expect(snapshot.flows[0]?.steps[0]?.plan.cwd).toBe(join(workspace.root, "real"))
  })

  test("a flow.toml that leads outside is not read", async () => {
    await using outside = await makeWorkspace({ secret: "token = 's3cret'\nbroken" })
    await using workspace = await makeWorkspace({ "flows/a/go.ts": "" })
    await symlink(join(outside.root, "secret"), join(workspace.root, "flows/a/flow.toml"))
    const { broken } = await read(workspace)
    expect(broken).toMatchObject([{ issues: [{ message: expect.stringContaining("leads outside") }] }])
    expect(JSON.stringify(broken)).not.toContain("s3cret")
  })
})

describe("paths of a flow", () => {
  test("may lie anywhere in the workspace", async () => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": `name = "a"\nversion = 1
[[steps]]\nname = "s"\nrunner = "bun"\nscript = "../../tools/go.ts"\ncwd = "../.."
[steps.trigger]\ntype = "t"\nschema = "../shared.json"`,
      "tools/go.ts": "",
      "flows/shared.json": "true"
    })
    const { flows, broken } = await read(workspace)
    expect(broken).toEqual([])
    expect(flows[0]?.steps[0]).toMatchObject({
      plan: { script: join(workspace.root, "tools/go.ts"), cwd: workspace.root },
      trigger: { type: "t", schemaPath: join(workspace.root, "flows/shared.json") }
    })
  })

  const escapes: ReadonlyArray<readonly [string, string, (outside: string) => string, string]> = [
    ["script", "by ..", () => "../../../go.ts", "which is outside of both"],
    [
      "script",
      "by .. to what exists",
      (outside) => `../../../${outside.split("/").at(-1)}/go.ts`,
      "which is outside of both"
    ],
    ["script", "by an absolute path", (outside) => `${outside}/go.ts`, "which is outside of both"],
    ["script", "by a link to a file", () => "link.ts", "which leads to"],
    ["script", "by a link to a folder", () => "linked/go.ts", "which leads to"],
    ["script", "by a link and ..", () => "linked/../../../../../go.ts", "which is outside of both"],
    ["cwd", "by ..", () => "../../..", "which is outside of both"],
    ["cwd", "by an absolute path", () => "/", "which is outside of both"],
    ["cwd", "by a link", () => "linked", "which leads to"],
    ["schema", "by ..", () => "../../../s.json", "which is outside of both"],
    ["schema", "by a link", () => "linked/s.json", "which leads to"]
  ]
  test.each(escapes)("%s may not leave %s", async (kind, _, value, why) => {
    await using outside = await makeWorkspace({ "go.ts": "", "s.json": "{}" })
    await using workspace = await makeWorkspace({ "flows/a/go.ts": "" })
    await symlink(join(outside.root, "go.ts"), join(workspace.root, "flows/a/link.ts"))
    await symlink(outside.root, join(workspace.root, "flows/a/linked"))
    const path = JSON.stringify(value(outside.root))
    const script = kind === "script" ? path : '"go.ts"'
    const rest =
      kind === "cwd"
        ? `cwd = ${path}`
        : kind === "schema"
          ? `[steps.trigger]\ntype = "t"\nschema = ${path}`
          : ""
    await workspace.write({
      "flows/a/flow.toml": `name = "a"\nversion = 1\n[[steps]]\nname = "s"\nrunner = "bun"\nscript = ${script}\n${rest}`
    })
    const { flows, broken } = await read(workspace)
    expect(flows).toEqual([])
    expect(broken[0]?.issues).toHaveLength(1)
    const [issue] = broken[0]?.issues ?? []
    expect(issue?.field).toBe(kind === "schema" ? "steps[0].trigger.schema" : `steps[0].${kind}`)
    expect(issue?.expected).toContain("inside the flow folder or the workspace")
    expect(issue?.message).toContain(why)
  })

  test.each([
    ["a script that is not there", 'script = "no.ts"', "which does not exist"],
    ["a script that is a folder", 'script = "sub"', "which is no file"],
    ["a script below a file", 'script = "go.ts/x"', "which cannot be read (ENOTDIR)"],
    ["a cwd that is a file", 'script = "go.ts"\ncwd = "go.ts"', "which is no folder"],
    ["a cwd that is not there", 'script = "go.ts"\ncwd = "no"', "which does not exist"],
    [
      "a schema that is not there",
      'script = "go.ts"\ntrigger = { type = "t", schema = "no.json" }',
      "which does not exist"
    ],
    ["a script with a NUL", 'script = "go\\u0000.ts"', "which cannot be read"]
  ])("%s is an issue", async (_, lines, why) => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": `name = "a"\nversion = 1\n[[steps]]\nname = "s"\nrunner = "bun"\n${lines}`,
      "flows/a/go.ts": "",
      "flows/a/sub/x": ""
    })
    const { broken } = await read(workspace)
    expect(broken[0]?.issues).toHaveLength(1)
    expect(broken[0]?.issues[0]?.message).toContain(why)
  })
})

describe("a second look", () => {
  test("without a change gives the same object", async () => {
    await using workspace = await makeWorkspace({
      ...flowFiles("flows/a", "a", "", trigger),
      "flows/a/s.json": "{}",
      ...flowFiles(".codex/flows/a", "a"),
      "flows/broken/flow.toml": "x"
    })
    const folders = new FlowFolders({ workspaceRoot: workspace.root })
    const first = folders.read()
    expect(folders.read()).toBe(first)
    expect(folders.read()).toBe(first)
  })

  test("sees an edit, and leaves the other flows as they were", async () => {
    await using workspace = await makeWorkspace({
      ...flowFiles("flows/a", "a"),
      ...flowFiles("flows/b", "b")
    })
    const folders = new FlowFolders({ workspaceRoot: workspace.root })
    const first = folders.read()
    await workspace.write({ "flows/a/flow.toml": manifestText("a", "priority = 7") })
    const second = folders.read()
    expect(second.flows[0]?.steps[0]?.plan.priority).toBe(7)
    expect(second.flows[1]).toBe(first.flows[1])
    expect(first.flows[0]?.steps[0]?.plan.priority).toBe(0)
  })

  test("sees an edit that leaves size and time of change alike", async () => {
    await using workspace = await makeWorkspace(flowFiles("flows/a", "a", "priority = 1"))
    const file = join(workspace.root, "flows/a/flow.toml")
    const then = new Date(1_700_000_000_000)
    await utimes(file, then, then)
    const folders = new FlowFolders({ workspaceRoot: workspace.root })
    folders.read()
    await workspace.write({ "flows/a/new.toml": manifestText("a", "priority = 2") })
    await rename(join(workspace.root, "flows/a/new.toml"), file)
    await utimes(file, then, then)
    expect(folders.read().flows[0]?.steps[0]?.plan.priority).toBe(2)
  })

  test("sees flows come, go, break and heal", async () => {
    await using workspace = await makeWorkspace(flowFiles("flows/a", "a"))
    const folders = new FlowFolders({ workspaceRoot: workspace.root })
    const names = async () => {
      const { flows, broken } = folders.read()
      return [flows.map((flow) => flow.name), broken.length]
    }
    expect(await names()).toEqual([["a"], 0])
    await workspace.write(flowFiles(".codex/flows/b", "b"))
    expect(await names()).toEqual([["b", "a"], 0])
    await rm(join(workspace.root, "flows/a/go.ts"))
    expect(await names()).toEqual([["b"], 1])
    await workspace.write({ "flows/a/go.ts": "" })
    expect(await names()).toEqual([["b", "a"], 0])
    await rm(join(workspace.root, ".codex"), { recursive: true })
    expect(await names()).toEqual([["a"], 0])
  })

  test("sees a script link that leads elsewhere now", async () => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": manifestText("a"),
      "flows/a/v1.ts": "",
      "flows/a/v2.ts": ""
    })
    const link = join(workspace.root, "flows/a/go.ts")
    await symlink("v1.ts", link)
    const folders = new FlowFolders({ workspaceRoot: workspace.root })
    expect(folders.read().flows[0]?.steps[0]?.plan.script).toEndWith("v1.ts")
    await rm(link)
    await symlink("v2.ts", link)
    expect(folders.read().flows[0]?.steps[0]?.plan.script).toEndWith("v2.ts")
  })
})
