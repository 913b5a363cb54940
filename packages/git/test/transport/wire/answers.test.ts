/** Packet lines, announcements, lists of refs and reports, whole and damaged. */
import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { parseRef } from "../../../src/GitName.ts"
import { readCapabilities } from "../../../src/transport/wire/capabilities.ts"
import { MalformedAnswer } from "../../../src/transport/wire/MalformedAnswer.ts"
import { flushPacket, packet, readPackets } from "../../../src/transport/wire/pktLine.ts"
import { readPushReport } from "../../../src/transport/wire/receivePack.ts"
import { readFetch, readLsRefs } from "../../../src/transport/wire/uploadPack.ts"

const oid = "0123456789012345678901234567890123456789"
const ref = Either.getOrThrow(parseRef("refs/heads/main"))
const lines = (...content: ReadonlyArray<string | Uint8Array>) =>
  Buffer.concat([...content.map(packet), flushPacket])
const band = (channel: number, content: string | Uint8Array) =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(content)])

const isMalformed = Schema.is(MalformedAnswer)

const kindOf = (read: () => unknown): MalformedAnswer["kind"] | "read" => {
  try {
    read()
    return "read"
  } catch (cause) {
    if (isMalformed(cause)) return cause.kind
    throw cause
  }
}

/** Each prefix of an answer, which is what a connection that breaks leaves. */
const prefixes = (bytes: Buffer) => Array.from({ length: bytes.length }, (_, at) => bytes.subarray(0, at))

describe("packets", () => {
  test("are read back, marks included", () => {
    const bytes = Buffer.concat([
      packet("a\n"),
      Buffer.from("0001"),
      packet(""),
      flushPacket,
      Buffer.from("0002")
    ])
    expect(readPackets(bytes)).toEqual([Buffer.from("a\n"), "delimiter", Buffer.from(""), "flush", "end"])
  })

  test("are refused when cut, of an impossible length, or something else", () => {
    expect(kindOf(() => readPackets(Buffer.from("00")))).toBe("cut")
    expect(kindOf(() => readPackets(Buffer.from("0010abc")))).toBe("cut")
    for (const text of ["0003", "fff5", "<!doctype html>", "HTTP", "-001", "0x10", " 010"])
      expect(kindOf(() => readPackets(Buffer.from(text)))).toBe("garbage")
    expect(kindOf(() => readPackets(packet("ERR no such repository\n")))).toBe("refused")
  })
})

describe("announcements", () => {
  test("of version 2 say what it can do", () => {
    const body = Buffer.concat([
      lines("# service=git-upload-pack\n"),
      lines(
        "version 2\n",
        "agent=git/2.39\n",
        "ls-refs=unborn\n",
        "fetch=shallow filter\n",
        "object-format=sha256\n"
      )
    ])
    expect(readCapabilities(body)).toEqual({ version: 2, filter: true, unborn: true, objectFormat: "sha256" })
    expect(readCapabilities(lines("version 2\n", "fetch\n"))).toEqual({
      version: 2,
      filter: false,
      unborn: false,
      objectFormat: "sha1"
    })
  })

  test("of versions 0 and 1 are lists of refs", () => {
    const first = `${oid} HEAD\0multi_ack symref=refs/x:refs/y symref=HEAD:refs/heads/main agent=x\n`
    const body = Buffer.concat([
      lines("# service=git-upload-pack\n"),
      lines("version 1\n", first, `${oid} refs/heads/main\n`)
    ])
    expect(readCapabilities(body)).toMatchObject({ version: 0, head: "refs/heads/main" })
    const empty = lines(`${"0".repeat(40)} capabilities^{}\0agent=x\n`)
    expect(readCapabilities(empty)).toMatchObject({ version: 0, refs: new Map(), head: null })
  })

  test("that end early, or are of a kind that nobody knows, are refused", () => {
    const body = Buffer.concat([lines("# service=git-upload-pack\n"), lines("version 2\n", "fetch=filter\n")])
    const kinds = new Set(prefixes(body).map((part) => kindOf(() => readCapabilities(part))))
    // After the first flush nothing tells that more is to come: such a server counts as one from before version 2.
    expect([...kinds].sort()).toEqual(["cut", "read"])
    expect(kindOf(() => readCapabilities(lines("version 3\n")))).toBe("garbage")
    expect(kindOf(() => readCapabilities(lines("version 2\n", "object-format=md5\n")))).toBe("garbage")
  })
})

describe("lists of refs", () => {
  test("are read with what HEAD stands for, also before the first commit", () => {
    expect(
      readLsRefs(lines(`${oid} HEAD symref-target:refs/heads/main\n`, `${oid} refs/tags/v1 peeled:${oid}\n`))
    ).toMatchObject([
      { name: "HEAD", commit: oid, symref: "refs/heads/main" },
      { name: "refs/tags/v1", symref: null }
    ])
    expect(readLsRefs(lines("unborn HEAD symref-target:refs/heads/main\n"))).toEqual([
      { name: "HEAD", commit: null, symref: "refs/heads/main" }
    ])
  })

  test("that are cut or garbage are refused", () => {
    for (const part of prefixes(lines(`${oid} HEAD\n`)))
      expect(kindOf(() => readLsRefs(part))).not.toBe("read")
    for (const line of ["", "x", `${oid}`, `${oid.slice(1)} HEAD`, "\u0000\u0001"])
      expect(kindOf(() => readLsRefs(lines(line)))).toBe("garbage")
  })
})

describe("fetches", () => {
  const body = lines("packfile\n", band(2, "working\n"), band(1, "PA"), band(1, "CK"))

  test("give the pack without the words around it", () => {
    expect(readFetch(body).toString()).toBe("PACK")
    const shallow = Buffer.concat([
      packet("shallow-info\n"),
      packet(`shallow ${oid}\n`),
      Buffer.from("0001"),
      body
    ])
    expect(readFetch(shallow).toString()).toBe("PACK")
  })

  test("that are cut, fail on the way, or hold no pack are refused", () => {
    for (const part of prefixes(body)) expect(kindOf(() => readFetch(part))).not.toBe("read")
    expect(kindOf(() => readFetch(lines("packfile\n", band(3, "out of memory"))))).toBe("refused")
    expect(kindOf(() => readFetch(lines("packfile\n", band(4, "?"))))).toBe("garbage")
    expect(kindOf(() => readFetch(lines("acknowledgments\n", "NAK\n")))).toBe("garbage")
  })
})

describe("reports", () => {
  const report = (...status: ReadonlyArray<string>) => lines(band(2, "words\n"), band(1, lines(...status)))

  test("say that the ref moved, or why not", () => {
    expect(readPushReport(report("unpack ok\n", `ok ${ref}\n`), ref)).toEqual({
      refused: null,
      words: "words\n"
    })
    expect(readPushReport(lines("unpack ok\n", `ng ${ref} hook declined\n`), ref)).toEqual({
      refused: "hook declined",
      words: ""
    })
    expect(
      readPushReport(report("unpack index-pack failed\n", `ng ${ref} unpacker error\n`), ref).refused
    ).toBe("unpack index-pack failed")
  })

  test("that are cut anywhere never count as done, and neither do reports of something else", () => {
    const body = report("unpack ok\n", `ok ${ref}\n`)
    const cutShort = prefixes(body).slice(0, -4)
    for (const part of cutShort) expect(kindOf(() => readPushReport(part, ref))).not.toBe("read")
    expect(kindOf(() => readPushReport(report("unpack ok\n", "ok refs/heads/other\n"), ref))).toBe("garbage")
    expect(kindOf(() => readPushReport(report(`ok ${ref}\n`), ref))).toBe("garbage")
    expect(kindOf(() => readPushReport(flushPacket, ref))).toBe("cut")
    expect(kindOf(() => readPushReport(lines(band(3, "fatal")), ref))).toBe("refused")
  })
})
