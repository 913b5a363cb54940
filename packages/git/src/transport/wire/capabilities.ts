/**
 * What a server says about itself in answer to `GET …/info/refs`: protocol v2's capabilities, or v0's list of refs.
 *
 * Sources: gitprotocol-v2(5) "Capability Advertisement", gitprotocol-http(5) "Smart Server Response".
 */

import * as Either from "effect/Either"
import { type ObjectId, parseObjectId } from "../../GitName.ts"
import type { ObjectFormat } from "../../internal/objectFormat.ts"
import { cut, garbage } from "./MalformedAnswer.ts"
import { lineOf, readPackets } from "./pktLine.ts"

/** A server that speaks version 2. */
export interface CapabilitiesV2 {
  readonly version: 2
  /** Whether `fetch` takes a filter, without which it sends every file. */
  readonly filter: boolean
  /** Whether `ls-refs` names the branch of a repository without a commit. */
  readonly unborn: boolean
  readonly objectFormat: ObjectFormat
}

/** A server that speaks version 0 or 1 only, and its refs. */
export interface CapabilitiesV0 {
  readonly version: 0
  readonly refs: ReadonlyMap<string, ObjectId>
  /** The branch that `HEAD` stands for; `null` when the server does not say. */
  readonly head: string | null
  readonly objectFormat: ObjectFormat
}

/** What a server says about itself, by `version`. Its refs come with 0 only; for 2, `ls-refs` asks for them. */
export type Capabilities = CapabilitiesV0 | CapabilitiesV2

/** Reads the answer. Throws `MalformedAnswer`. */
export const readCapabilities = (body: Buffer): Capabilities => {
  // The announcement of the service and its flush come first over HTTP; newer servers may leave them out for version 2.
  const packets = readPackets(body)
  if (packets.length === 0 || packets.at(-1) !== "flush") throw cut("the announcement")
  const lines = packets.map(lineOf).filter((line) => line !== null && !line.startsWith("# service="))
  // Before version 2 an empty repository may announce nothing at all.
  return lines[0] === "version 2" ? readV2(textLines(lines.slice(1))) : readV0(textLines(lines))
}

// --- internal ---

const headMark = "symref=HEAD:"

const textLines = (lines: ReadonlyArray<string | null>): ReadonlyArray<string> =>
  lines.filter((line) => line !== null)

const readV2 = (lines: ReadonlyArray<string>): CapabilitiesV2 => {
  const values = new Map(
    lines.map((line): readonly [string, ReadonlyArray<string>] => {
      const equals = line.indexOf("=")
      return equals < 0 ? [line, []] : [line.slice(0, equals), line.slice(equals + 1).split(" ")]
    })
  )
  return {
    version: 2,
    filter: values.get("fetch")?.includes("filter") ?? false,
    unborn: values.get("ls-refs")?.includes("unborn") ?? false,
    objectFormat: formatOf(values.get("object-format")?.[0])
  }
}

const readV0 = (given: ReadonlyArray<string>): CapabilitiesV0 => {
  const lines = given.filter((line) => line !== "version 1" && !line.startsWith("shallow "))
  const announced = lines[0]?.split("\0")[1]?.trim().split(" ") ?? []
  const refs = new Map<string, ObjectId>()
  for (const line of lines) {
    const [oid = "", name = ""] = line.split("\0", 1)[0]?.split(" ") ?? []
    const parsed = parseObjectId(oid)
    if (Either.isLeft(parsed)) throw garbage(`no ref begins with ${JSON.stringify(oid.slice(0, 80))}`)
    if (name !== "capabilities^{}") refs.set(name, parsed.right)
  }
  const valueOf = (name: string) =>
    announced.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const head = announced.find((word) => word.startsWith(headMark))?.slice(headMark.length)
  return { version: 0, refs, head: head ?? null, objectFormat: formatOf(valueOf("object-format")) }
}

const formatOf = (value: string | undefined): ObjectFormat => {
  if (value === undefined || value === "sha1") return "sha1"
  if (value === "sha256") return "sha256"
  throw garbage(`the unknown object format ${JSON.stringify(value.slice(0, 80))}`)
}
