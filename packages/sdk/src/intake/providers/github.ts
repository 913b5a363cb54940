/**
 * GitHub's Atom feeds: `releases.atom` and `tags.atom` for releases, `commits/<branch>.atom` for pushes.
 *
 * The tag comes from the entry's id (`tag:github.com,2008:Repository/<number>/<tag>`) or from its release
 * link, never from its title: the title is the release's name and may be anything. A tag may contain `/`.
 */
import * as Either from "effect/Either"
import type { FeedEntry } from "../Entry.ts"
import { feedAccept, parseFeed } from "../FeedDocument.ts"
import { isCommitId, isTagName } from "../GitRef.ts"
import type { Provider } from "../Provider.ts"
import { quote } from "../Redact.ts"
import { type FeedSignal, makeSignal } from "../Signal.ts"
import type { Source } from "../Source.ts"
import { xmlBytesMax } from "../Xml.ts"

/** The provider `github`. */
export const github: Provider = {
  name: "github",
  accept: feedAccept,
  bytesMax: xmlBytesMax,
  events: ["push", "release"],
  parse: (source, bytes, { baseUrl }) => parseFeed({ sourceId: source.id, bytes, baseUrl }),
  toSignal: (source, entry) => (source.event === "release" ? release(source, entry) : push(source, entry))
}

/**
 * The tag of a release link: what follows `/releases/tag/`, percent-decoded segment by segment.
 * Undefined where the link is none or holds an escape that cannot be decoded.
 */
export const tagOfReleaseLink = (url: string): string | undefined => {
  if (!URL.canParse(url)) return undefined
  const rest = /\/releases\/tag\/(.+)$/.exec(new URL(url).pathname)?.[1]
  if (rest === undefined) return undefined
  const segments = rest.split("/").map(decodeSegment)
  return segments.every((segment) => segment !== undefined) ? segments.join("/") : undefined
}

// --- internal ---

const decodeSegment = (segment: string): string | undefined =>
  Either.getOrUndefined(Either.try(() => decodeURIComponent(segment)))

const release = (source: Source, entry: FeedEntry): Either.Either<FeedSignal, string> => {
  const fromId = /^tag:github\.com,\d{4}:Repository\/\d+\/(.+)$/s.exec(entry.id)?.[1]
  const tag = fromId ?? (entry.url === undefined ? undefined : tagOfReleaseLink(entry.url))
  if (tag === undefined) {
    return Either.left(
      `neither its id ${quote(entry.id)} nor its link names a tag; a release source reads releases.atom or tags.atom`
    )
  }
  if (!isTagName(tag)) return Either.left(`${quote(tag)} is no name that git gives a tag`)
  return Either.right(makeSignal(source, entry, { ref: tag }))
}

const push = (source: Source, entry: FeedEntry): Either.Either<FeedSignal, string> => {
  const fromId = /^tag:github\.com,\d{4}:Grit::Commit\/([0-9a-f]+)$/.exec(entry.id)?.[1]
  const fromLink = /\/commit\/([0-9a-f]+)(?:[/?#]|$)/.exec(entry.url ?? "")?.[1]
  const sha = fromId ?? fromLink
  if (sha === undefined || !isCommitId(sha)) {
    return Either.left(
      `neither its id ${quote(entry.id)} nor its link names a commit; a push source reads commits/<branch>.atom`
    )
  }
  const branch = source.repo.defaultBranch
  return Either.right(makeSignal(source, entry, { sha, ...(branch ? { ref: `refs/heads/${branch}` } : {}) }))
}
