import { expect, test } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { makeScriptStyle, styleOf } from "../../src/executor/ScriptStyle.ts"
import { makeStepFolder } from "./stepFolder.ts"

const steps = makeStepFolder()

test.each([
  ["a comment", "// export default\nconsole.log(1)"],
  ["a block comment", "/* export default () => 1 */ await 0"],
  ["a string", 'const s = "export default x"; const t = `export { s as default }`'],
  ["the name of the helper", "const defineBunFlow = (f) => f; defineBunFlow(() => 1)"],
  ["a named export", "export const run = () => 1"],
  ["a syntax error", "export default = = 3"],
  ["nothing", ""]
])("raw: %s", (_, text) => expect(styleOf(text, "ts")).toBe("raw"))

test.each([
  ["a function", "export default () => 1"],
  [
    "a declaration with types",
    "export default async function step(context: { a: string }): Promise<void> {}"
  ],
  ["a renamed export", "const run = () => 1\nexport { run as default }"],
  ["one from elsewhere", 'export { default } from "./other.ts"'],
  ["one after a string that closes nothing", 'const s = "/*"\nexport default () => s']
])("module: %s", (_, text) => expect(styleOf(text, "ts")).toBe("module"))

it.live("an edited script is looked at again, an unchanged one is not", () =>
  Effect.gen(function* () {
    const scriptStyle = makeScriptStyle()
    const { script } = yield* Effect.promise(() => steps.write("export default () => 1"))
    expect(yield* scriptStyle(script)).toBe("module")
    yield* Effect.promise(() => Bun.write(script, "// 12345678901234567890"))
    expect(yield* scriptStyle(script)).toBe("raw")
  })
)

it.live("a file of another kind is raw, a folder and a missing file are problems", () =>
  Effect.gen(function* () {
    const scriptStyle = makeScriptStyle()
    const { script } = yield* Effect.promise(() => steps.write("export default", "step.sh"))
    expect(yield* scriptStyle(script)).toBe("raw")
    expect(yield* Effect.flip(scriptStyle(steps.folder))).toEqual({
      reason: `the script is not a file: ${steps.folder}`
    })
    expect(yield* Effect.flip(scriptStyle(`${script}.gone`))).toEqual({
      reason: `the script does not exist: ${script}.gone`
    })
  })
)
