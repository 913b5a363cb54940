/**
 * Versions of an npm package, from its package document. Its versions are the keys of `versions`; `time`
 * gives their dates and also lists versions that were unpublished, which are left out. An abbreviated
 * document has no `time`: its versions have no date and keep the order of the document.
 */
import * as Either from "effect/Either"
import {
  entriesMax,
  entryTextLengthMax,
  type FeedEntry,
  type ParsedFeed,
  type SkippedEntry
} from "../Entry.ts"
import { parseFeedDate } from "../FeedDate.ts"
import { NotAFeed } from "../FeedErrors.ts"
import { isCommitId } from "../GitRef.ts"
import { rawEntry, skippedId } from "../internal/feedText.ts"
import { isRecord } from "../internal/isRecord.ts"
import { parseJson } from "../internal/jsonText.ts"
import type { Provider } from "../Provider.ts"
import { quote } from "../Redact.ts"
import { makeSignal } from "../Signal.ts"
import type { Source } from "../Source.ts"

/** Largest package document, in bytes after decompression. 38.9 MB has been seen of one popular package. */
export const npmBytesMax = 64 * 1024 * 1024

/** The provider `npm`. It asks for the full document: the abbreviated one has no dates. */
export const npm: Provider = {
  name: "npm",
  accept: "application/json",
  bytesMax: npmBytesMax,
  events: ["release"],
  parse: (source, bytes) =>
    readDocument(bytes).pipe(
      Either.flatMap((document) => readVersions(source, document)),
      Either.mapLeft(
        (found) => new NotAFeed({ sourceId: source.id, expected: "an npm package document", found })
      )
    ),
  toSignal: (source, entry) => {
    const { gitHead } = entry.raw
    const sha = gitHead !== undefined && isCommitId(gitHead) ? { sha: gitHead } : {}
    return Either.right(makeSignal(source, entry, { ref: entry.title, ...sha }))
  }
}

/** The address of a package's document: the slash of a scope is escaped, as registries ask for it. */
export const npmDocumentUrl = (registryUrl: string, packageName: string): string =>
  `${registryUrl.replace(/\/+$/, "")}/${encodeURIComponent(packageName).replace(/^%40/, "@")}`

// --- internal ---

type Fields = Readonly<Record<string, unknown>>

const readDocument = (bytes: Uint8Array): Either.Either<Fields, string> => {
  if (bytes.length > npmBytesMax) {
    return Either.left(`a document of ${bytes.length} bytes, more than the ${npmBytesMax} that are read`)
  }
  const text = new TextDecoder().decode(bytes)
  if (text.trim() === "") return Either.left("an empty body")
  if (text.trimStart().startsWith("<")) return Either.left("markup: a page or a feed, not JSON")
  return parseJson(text).pipe(
    Either.mapLeft(
      ({ line, column, reason }) =>
        `JSON that is broken or cut off (line ${line}, column ${column}: ${reason})`
    ),
    Either.filterOrLeft(isRecord, () => "JSON that is no object")
  )
}

const readVersions = (source: Source, document: Fields): Either.Either<ParsedFeed, string> => {
  const { name, time, versions } = document
  const packageName = typeof name === "string" && name.trim() !== "" ? name.trim() : source.repo.fullName
  // It is part of every id.
  if (packageName.length > entryTextLengthMax) {
    return Either.left(`a package whose name has ${packageName.length} characters`)
  }
  const times: Fields = isRecord(time) ? time : {}
  if (!isRecord(versions)) {
    const { unpublished } = times
    if (unpublished !== undefined) {
      return Either.right({
        entries: [],
        skipped: [{ index: 0, reason: unpublishedReason(packageName, unpublished) }]
      })
    }
    const error = typeof document["error"] === "string" ? `: ${quote(document["error"])}` : ""
    return Either.left(`a JSON object without versions${error}`)
  }
  const names = Object.keys(versions)
  if (names.length > entriesMax) {
    return Either.left(`a package of ${names.length} versions, more than the ${entriesMax} that are read`)
  }
  const skipped: Array<SkippedEntry> = []
  const entries: Array<FeedEntry> = []
  for (const [index, version] of names.entries()) {
    const entry = readVersion({
      source,
      packageName,
      version,
      details: versions[version],
      time: own(times, version)
    })
    if (Either.isRight(entry)) entries.push(entry.right)
    else skipped.push({ id: skippedId(`npm:${packageName}:${version}`), index, reason: entry.left })
  }
  return Either.right({ entries: newestFirst(entries), skipped })
}

const own = (fields: Fields, key: string): unknown => (Object.hasOwn(fields, key) ? fields[key] : undefined)

const unpublishedReason = (packageName: string, unpublished: unknown): string => {
  const when =
    isRecord(unpublished) && typeof unpublished["time"] === "string" ? unpublished["time"] : undefined
  return `the package ${quote(packageName)} was unpublished${when === undefined ? "" : ` at ${quote(when)}`}`
}

const readVersion = (options: {
  readonly source: Source
  readonly packageName: string
  readonly version: string
  readonly details: unknown
  readonly time: unknown
}): Either.Either<FeedEntry, string> => {
  const { details, packageName, source, time, version } = options
  // No registry takes such a name, and no path or branch that is made of it would be safe.
  if (!/^[0-9A-Za-z][0-9A-Za-z.+_-]{0,255}$/.test(version)) {
    return Either.left(`${quote(version)} is no version of a package`)
  }
  const date = typeof time === "string" ? parseFeedDate(time) : undefined
  if (date?._tag === "None") return Either.left(`its date ${quote(String(time))} cannot be read`)
  if (time !== undefined && time !== null && date === undefined) {
    return Either.left("its date is not a text")
  }
  const gitHead = isRecord(details) && typeof details["gitHead"] === "string" ? details["gitHead"] : undefined
  const id = `npm:${packageName}:${version}`
  return Either.right({
    id,
    title: version,
    url: source.repo.webUrl,
    author: "npm",
    ...(date === undefined ? {} : { publishedAt: date.value }),
    raw: rawEntry({
      id,
      title: version,
      url: source.repo.webUrl,
      author: "npm",
      publishedAt: typeof time === "string" ? time : undefined,
      gitHead
    })
  })
}

/** From the order of the document, in which versions are added at the end, to the order of feeds. */
const newestFirst = (entries: ReadonlyArray<FeedEntry>): ReadonlyArray<FeedEntry> =>
  entries.every((entry) => entry.publishedAt !== undefined)
    ? entries.toSorted((left, right) => compare(left.publishedAt, right.publishedAt)).reverse()
    : entries.toReversed()

const compare = (left = "", right = ""): number => (left < right ? -1 : left > right ? 1 : 0)
