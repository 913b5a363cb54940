/**
 * What a snapshot says of itself: `snapshot/manifest.json`, `{"crc":"0a1b2c3d","manifest":{…}}`. A snapshot is the
 * documents, the indexes and the places of all facts up to some position, in sorted files (`sortedFile.ts`). It spares
 * reading the log up to there, and nothing else depends on it: without it, everything comes out of the log.
 *
 * It is used only if it fits: written for this way of folding, undamaged, and for a log whose segments up to there still
 * have their sizes, and the beginnings and ends that were there then.
 */
import { createHash } from "node:crypto"
import { crc32 } from "node:zlib"
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type FileSystemOps, readWhole, replaceFile } from "./fileOps.ts"
import type { Segment } from "./LogIndex.ts"
import { segmentName } from "./layout.ts"
import { BlockPlace } from "./sortedFile.ts"

const Manifest = Schema.Struct({
  /** {@link foldMark} of what folded the documents. */
  fold: Schema.String,
  /** The position of the last fact that is in it. */
  position: Schema.Int,
  /** The segments of the log up to there. */
  segments: Schema.Array(
    Schema.Struct({
      first: Schema.Int,
      /** The byte after the last fact. */
      end: Schema.Int,
      /** {@link segmentMark} up to there. */
      mark: Schema.Int
    })
  ),
  /** The oldest first. */
  files: Schema.Array(
    Schema.Struct({ name: Schema.String, bytes: Schema.Int, count: Schema.Int, top: BlockPlace })
  ),
  /** Fact type → facts of it that no schema could read when they were folded. */
  unknown: Schema.Record({ key: Schema.String, value: Schema.Int })
})
export interface Manifest extends Schema.Schema.Type<typeof Manifest> {}

const manifestName = "manifest.json"

/** The version of the format of the files; another one is not read. */
const formatVersion = 1

/** Bytes at the beginning and the end of a segment by which it is known again. */
const edgeBytes = 4_096

/**
 * Tells ways of folding apart: the names of the aggregates, the code of their folds and indexes, and what the owner of the
 * store calls the code as a whole. Functions that a fold calls are not seen: that is what the owner's name is for.
 */
export const foldMark = (aggregates: ReadonlyArray<AnyAggregate>, owner: string): string => {
  const parts = aggregates.map(({ name, evolve, indexes }) => [
    name,
    String(evolve),
    Object.entries(indexes).map(([index, sortPrefix]) => [index, String(sortPrefix)])
  ])
  return createHash("sha256")
    .update(JSON.stringify([formatVersion, owner, parts]))
    .digest("hex")
}

/** The manifest in a folder: undefined when there is none, a string that says why it cannot be read. */
export const readManifest = (ops: FileSystemOps, folder: string): Manifest | string | undefined => {
  const text = readWhole(ops, `${folder}/${manifestName}`)?.toString("utf8")
  if (text === undefined) return undefined
  const [, crc = "", content = ""] = /^\{"crc":"([0-9a-f]{8})","manifest":(.*)\}\n$/s.exec(text) ?? []
  if (crc !== hex(crc32(content))) return "its manifest is damaged"
  return Option.getOrElse(decode(content), () => "its manifest is of another format")
}

/** Puts a manifest in the place of the one before, in one step. */
export const writeManifest = (ops: FileSystemOps, folder: string, manifest: Manifest): void => {
  const content = JSON.stringify(manifest)
  replaceFile(ops, folder, manifestName, `{"crc":"${hex(crc32(content))}","manifest":${content}}\n`)
}

/** Lets the snapshot in a folder never be used again. */
export const removeManifest = (ops: FileSystemOps, folder: string): void => {
  if (ops.size(`${folder}/${manifestName}`) === undefined) return
  ops.remove(`${folder}/${manifestName}`)
  ops.syncDirectory(folder)
}

/** Why the manifest does not fit the log in this folder; undefined when it does. */
export const misfit = (
  ops: FileSystemOps,
  log: string,
  { fold, segments }: Manifest,
  expected: string
): string | undefined => {
  if (fold !== expected) return "it was made by another version of the code"
  for (const [at, { first, end, mark }] of segments.entries()) {
    const path = `${log}/${segmentName(first)}`
    const size = ops.size(path)
    if (size === undefined) return `the segment ${segmentName(first)} is not there any more`
    // Only the last one may have grown.
    if (size < end || (size > end && at < segments.length - 1)) {
      return `the segment ${segmentName(first)} has ${size} bytes, and had ${end}`
    }
    if (segmentMark(ops, path, end) !== mark) return `the segment ${segmentName(first)} has changed`
  }
  return undefined
}

/** The segments of a log with their marks, for a manifest. */
export const markedSegments = (
  ops: FileSystemOps,
  log: string,
  segments: ReadonlyArray<Segment>
): Manifest["segments"] =>
  segments.map(({ first, end }) => ({
    first,
    end,
    mark: segmentMark(ops, `${log}/${segmentName(first)}`, end)
  }))

// --- internal ---

const decode = Schema.decodeUnknownOption(Schema.parseJson(Manifest))

const hex = (crc: number): string => crc.toString(16).padStart(8, "0")

/** CRC-32 over the first and the last bytes of a segment that ends here. */
const segmentMark = (ops: FileSystemOps, path: string, end: number): number => {
  const first = ops.read(path, 0, Math.min(edgeBytes, end))
  const last = ops.read(path, Math.max(0, end - edgeBytes), Math.min(edgeBytes, end))
  return crc32(last, crc32(first))
}
