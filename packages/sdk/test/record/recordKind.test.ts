/** Which store a folder holds, and what is said where that cannot be told. */
import { expect, test } from "bun:test"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { layerStore } from "../../src/composeEngine.ts"
import { RecordUnusable } from "../../src/record/RecordUnusable.ts"
import { heldStore, recordKind } from "../../src/record/recordKind.ts"

const isUnusable = Schema.is(RecordUnusable)

const inFolder = async (use: (folder: string) => unknown): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "record-kind-"))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const putLog = async (folder: string): Promise<void> => {
  await mkdir(join(folder, "log"))
  await writeFile(join(folder, "log", "00000000000000000001.jsonl"), "")
}

const putDatabase = (folder: string): Promise<void> => writeFile(join(folder, "patchmoi.sqlite"), "")

const refusal = (look: () => unknown): unknown => {
  try {
    look()
  } catch (error) {
    if (isUnusable(error)) return error.reason
    throw error
  }
  return undefined
}

test("a folder that is not there, or is empty, holds none", () =>
  inFolder((folder) => {
    expect(heldStore(join(folder, "none"))).toBeUndefined()
    expect(heldStore(folder)).toBeUndefined()
    expect(recordKind(folder, undefined, "sqlite")).toBe("sqlite")
    expect(recordKind(folder, "file", "sqlite")).toBe("file")
  }))

test("what a folder holds counts, whatever the default is", () =>
  inFolder(async (folder) => {
    await putLog(folder)
    expect(recordKind(folder, undefined, "sqlite")).toBe("file")
    expect(recordKind(folder, "file", "sqlite")).toBe("file")
    expect(refusal(() => recordKind(folder, "sqlite", "sqlite"))).toBe("otherStore")
  }))

test("a database counts as well", () =>
  inFolder(async (folder) => {
    await putDatabase(folder)
    expect(recordKind(folder, undefined, "file")).toBe("sqlite")
    expect(refusal(() => recordKind(folder, "file", "file"))).toBe("otherStore")
  }))

test("a folder that holds both, and a path that is a file, are refused", () =>
  inFolder(async (folder) => {
    await putLog(folder)
    await putDatabase(folder)
    expect(refusal(() => heldStore(folder))).toBe("twoStores")
    expect(refusal(() => heldStore(join(folder, "patchmoi.sqlite")))).toBe("notAFolder")
    expect(refusal(() => heldStore(join(folder, "patchmoi.sqlite/below")))).toBe("notAFolder")
  }))

test("opening a store asks the same, and a database that is none is named", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "patchmoi.sqlite"), "this is not a database, but a text of some length")
    const open = (kind: "file" | "sqlite") =>
      Effect.runPromise(
        Effect.flip(
          Effect.scoped(
            Effect.asVoid(Effect.provide(Effect.void, layerStore({ kind, dataDir: folder, access: "write" })))
          )
        )
      )
    expect(await open("file")).toMatchObject({ _tag: "RecordUnusable", reason: "otherStore" })
    expect(await open("sqlite")).toMatchObject({ _tag: "RecordUnusable", reason: "database" })
  }))
