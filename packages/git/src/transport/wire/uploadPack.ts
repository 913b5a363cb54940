/**
 * The two commands of protocol v2 that read: `ls-refs` and `fetch`.
 *
 * Source: gitprotocol-v2(5).
 */
import * as Either from "effect/Either"
import { type ObjectId, parseObjectId } from "../../GitName.ts"
import type { ObjectFormat } from "../../internal/objectFormat.ts"
import { cut, garbage } from "./MalformedAnswer.ts"
import { delimiterPacket, flushPacket, lineOf, packet, readPackets } from "./pktLine.ts"
import { readSideBand } from "./sideBand.ts"

/** What a ref points to. */
export interface ListedRef {
  readonly name: string
  /** `null` for the branch of a repository that has no commit yet. */
  readonly commit: ObjectId | null
  /** The ref that this one stands for, as `HEAD` does. */
  readonly symref: string | null
}

/** A question for the refs whose names begin with one of the prefixes. */
export const lsRefsRequest = (options: {
  readonly format: ObjectFormat
  readonly prefixes: ReadonlyArray<string>
  readonly unborn: boolean
}): Buffer =>
  command("ls-refs", options.format, [
    "symrefs\n",
    ...(options.unborn ? ["unborn\n"] : []),
    ...options.prefixes.map((prefix) => `ref-prefix ${prefix}\n`)
  ])

/** The refs in an answer. Throws `MalformedAnswer`. */
export const readLsRefs = (body: Buffer): ReadonlyArray<ListedRef> => {
  const packets = readPackets(nonEmpty(body))
  if (packets.at(-1) !== "flush") throw cut("the list of refs")
  return packets.slice(0, -1).map((one) => {
    const [oid = "", name = "", ...attributes] = lineOf(one)?.split(" ") ?? []
    const symref = attributes.find((word) => word.startsWith("symref-target:")) ?? null
    const parsed = parseObjectId(oid)
    if (name === "" || (oid !== "unborn" && Either.isLeft(parsed)))
      throw garbage(`no ref begins with ${JSON.stringify(oid.slice(0, 80))}`)
    return {
      name,
      commit: Either.isRight(parsed) ? parsed.right : null,
      symref: symref?.slice("symref-target:".length) ?? null
    }
  })
}

/** What to fetch. */
export interface FetchQuestion {
  readonly format: ObjectFormat
  readonly want: ObjectId
  /** How many commits deep, at least 1; `null` for an object that is no commit. */
  readonly depth: number | null
  /** How many levels of trees come along, 0 for none: git's `tree:<depth>`. `null` leaves nothing out. */
  readonly treeDepth: number | null
}

/** A question for one object, and as much as was asked for behind it. */
export const fetchRequest = (question: FetchQuestion): Buffer =>
  command("fetch", question.format, [
    "no-progress\n",
    ...(question.depth === null ? [] : [`deepen ${question.depth}\n`]),
    ...(question.treeDepth === null ? [] : [`filter tree:${question.treeDepth}\n`]),
    `want ${question.want}\n`,
    "done\n"
  ])

/** The pack in an answer. Throws `MalformedAnswer`. */
export const readFetch = (body: Buffer): Buffer => {
  const packets = readPackets(nonEmpty(body))
  const start = packets.findIndex((one) => lineOf(one) === "packfile")
  if (start < 0) throw garbage("there is no pack in it")
  if (packets.at(-1) !== "flush") throw cut("the pack")
  return readSideBand(packets.slice(start + 1)).data
}

// --- internal ---

/** Git's server program ends without a word over HTTP when it does not understand a question. */
const nonEmpty = (body: Buffer): Buffer => {
  if (body.length === 0) throw garbage("an empty answer")
  return body
}

const command = (name: string, format: ObjectFormat, args: ReadonlyArray<string>): Buffer =>
  Buffer.concat([
    packet(`command=${name}\n`),
    // Servers from before SHA-256 do not know the word; SHA-1 is what they mean without it.
    ...(format === "sha1" ? [] : [packet(`object-format=${format}\n`)]),
    delimiterPacket,
    ...args.map(packet),
    flushPacket
  ])
