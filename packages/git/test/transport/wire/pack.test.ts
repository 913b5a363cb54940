/** Packs that git made are read to the byte, packs that we make are accepted by git, and damage is never taken for data. */
import { describe, expect, test } from "bun:test"
import { createHash } from "node:crypto"
import { deflateSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git } from "../../../src/Git.ts"
import type { ObjectFormat } from "../../../src/internal/objectFormat.ts"
import { makeTempRepo, type TempRepo } from "../../../src/testing/TempRepo.ts"
import { applyDelta } from "../../../src/transport/wire/delta.ts"
import { MalformedAnswer } from "../../../src/transport/wire/MalformedAnswer.ts"
import {
  type PackObject,
  packEntry,
  packHeader,
  readPack,
  writePack
} from "../../../src/transport/wire/pack.ts"
import { numbered, withGit } from "../../support.ts"

const bytesMax = 10_000_000

/** A history whose packs hold deltas: a long file that changes a little, folders that change by one entry. */
const makeHistory = (objectFormat: ObjectFormat) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`many/file${at}`, `${at}`]))
    yield* repo.commit("base", { ...many, long: numbered(2_000), random: randomBytes(70_000) })
    for (const line of [10, 900, 1990]) {
      yield* repo.commit(`line ${line}`, {
        long: numbered(2_000, { [line]: "changed" }),
        "many/file7": `${line}`
      })
    }
    yield* repo.git("tag", "-a", "-m", "annotated", "v1")
    return repo
  })

const randomBytes = (count: number) =>
  new Uint8Array(count).map((_, at) => (at * 7919 + (at >> 3) * 31) % 251)

const packOf = (repo: TempRepo, ...args: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: ["pack-objects", "--revs", "--stdout", "-q", ...args],
      cwd: repo.directory,
      stdin: "refs/tags/v1\n"
    })
    return Buffer.from(output.stdout)
  })

const isMalformed = Schema.is(MalformedAnswer)

const malformed = (read: () => unknown): MalformedAnswer | null => {
  try {
    read()
    return null
  } catch (cause) {
    if (isMalformed(cause)) return cause
    throw cause
  }
}

describe("reading", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(
      `gives every object of git's packs, with deltas by offset and by id (${format})`,
      withGit(() =>
        Effect.gen(function* () {
          const repo = yield* makeHistory(format)
          const listed = yield* repo.git("cat-file", "--batch-all-objects", "--batch-check")
          const expected = listed.split("\n").sort()
          for (const args of [[], ["--delta-base-offset"], ["--window=0"]]) {
            const objects = readPack({ pack: yield* packOf(repo, ...args), format, bytesMax })
            const found = [...objects].map(([id, { type, content }]) => `${id} ${type} ${content.length}`)
            expect(found.sort()).toEqual(expected)
          }
        })
      )
    )
  }

  test(
    "refuses a pack that is cut anywhere, changed anywhere, too large, or for other objects",
    withGit(() =>
      Effect.gen(function* () {
        const pack = yield* packOf(yield* makeHistory("sha1"))
        const read = (bytes: Buffer, most = bytesMax) =>
          malformed(() => readPack({ pack: bytes, format: "sha1", bytesMax: most }))
        expect(read(pack)).toBeNull()
        for (let at = 0; at < pack.length; at += 97) {
          expect(read(pack.subarray(0, at))).not.toBeNull()
          const changed = Buffer.from(pack)
          changed[at] = (changed[at] ?? 0) ^ 0x11
          expect(read(changed)).not.toBeNull()
        }
        expect(read(pack, 100_000)?.message).toContain("larger than the limit")
        expect(malformed(() => readPack({ pack, format: "sha256", bytesMax }))).not.toBeNull()
        expect(read(Buffer.alloc(0))?.kind).toBe("cut")
      })
    )
  )

  test("survives any bytes behind a right checksum", () => {
    const good = writePack("sha1", [{ type: "blob", content: Buffer.from(numbered(30)) }])
    const body = good.subarray(0, -20)
    for (let at = 8; at < body.length; at++) {
      for (const value of [0, 0x6f, 0x7f, 0xef, 0xff]) {
        const changed = Buffer.from(body)
        changed[at] = value
        const sum = new Bun.CryptoHasher("sha1").update(changed).digest()
        malformed(() => readPack({ pack: Buffer.concat([changed, sum]), format: "sha1", bytesMax: 100_000 }))
      }
    }
  })

  test("unpacks no more than an object announced", () => {
    const header = Buffer.from("PACK\0\0\0\x02\0\0\0\x01", "latin1")
    // A blob of 5 bytes by its header, a megabyte by its content.
    const body = Buffer.concat([header, Buffer.from([0x35]), deflateSync(Buffer.alloc(1_000_000))])
    const pack = Buffer.concat([body, new Bun.CryptoHasher("sha1").update(body).digest()])
    expect(malformed(() => readPack({ pack, format: "sha1", bytesMax }))).not.toBeNull()
  })
})

describe("writing", () => {
  for (const format of ["sha1", "sha256"] as const) {
    test(
      `makes packs that git and we read (${format})`,
      withGit(() =>
        Effect.gen(function* () {
          const objects = [0, 1, 15, 16, 2_047, 2_048, 70_000].map(
            (size): PackObject => ({ type: "blob", content: Buffer.from(randomBytes(size)) })
          )
          const pack = writePack(format, objects)
          expect(
            [...readPack({ pack, format, bytesMax }).values()]
              .map(({ content }) => content.length)
              .sort((a, b) => a - b)
          ).toEqual([0, 1, 15, 16, 2_047, 2_048, 70_000])
          const repo = yield* makeTempRepo({ objectFormat: format })
          yield* repo.run({ args: ["index-pack", "--strict", "--stdin"], stdin: pack })
          for (const [id] of readPack({ pack, format, bytesMax }))
            expect(yield* repo.git("cat-file", "-t", id)).toBe("blob")
        })
      )
    )
  }
})

describe("deltas", () => {
  const base = Buffer.from("0123456789")
  const delta = (...bytes: ReadonlyArray<number>) => Buffer.from(bytes)

  test("copy from the base and insert", () => {
    const made = applyDelta(base, delta(10, 5, 0x91, 3, 3, 2, 0x41, 0x42), 100)
    expect(made.toString()).toBe("345AB")
  })

  test("of one base are read in a time that grows with their number, however many a server sends", () => {
    const count = 150_000
    const id = createHash("sha1").update("blob 1\0x").digest()
    const one = Buffer.concat([Buffer.from([0x74]), id, deflateSync(delta(1, 1, 0x90, 1))])
    const body = Buffer.concat([
      packHeader(count + 1),
      packEntry({ type: "blob", content: Buffer.from("x") }),
      ...Array.from({ length: count }, () => one)
    ])
    const pack = Buffer.concat([body, createHash("sha1").update(body).digest()])
    const begin = performance.now()
    expect(readPack({ pack, format: "sha1", bytesMax }).size).toBe(1)
    // A second here. Copying the list for each of them took more than a minute.
    expect(performance.now() - begin).toBeLessThan(20_000)
  })

  test("are refused for another base, beyond a base, past their size, too short, and without end", () => {
    const wrong = [
      delta(9, 1, 1, 0x41),
      delta(10, 5, 0x91, 8, 5),
      delta(10, 1, 2, 0x41, 0x42),
      delta(10, 3, 1, 0x41),
      delta(10, 1, 0),
      delta(10, 5, 5, 0x41),
      delta(10, 5, 0xff),
      delta(10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    ]
    for (const one of wrong) expect(malformed(() => applyDelta(base, one, 100))).not.toBeNull()
    expect(malformed(() => applyDelta(base, delta(10, 5, 5, 1, 2, 3, 4, 5), 4))?.message).toContain("limit")
  })
})
