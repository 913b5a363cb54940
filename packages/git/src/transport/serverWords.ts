/** What servers and hooks say in words: made fit to be shown, and read for what it means. */
import { redactUrls } from "../Git.ts"
import type { RefName } from "../GitName.ts"
import {
  AuthenticationFailed,
  HookDeclined,
  NotFastForward,
  ProtectedBranch,
  RepositoryArchived,
  RepositoryNotFound,
  StaleHead,
  saidLengthMax,
  type TransportError
} from "./TransportError.ts"

/** The text as it may be shown: no control characters, no escapes, no credentials in URLs, no empty lines, bounded. */
export const cleanWords = (text: string): string =>
  redactUrls(
    text
      .slice(0, saidLengthMax * 8)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes that colour a terminal are what this takes out.
      .replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g, "")
      .replace(/\r/g, "\n")
  )
    .split("\n")
    .map((line) =>
      line
        .replace(/^remote: ?/, "")
        .replace(/\p{Cc}|\p{Cf}/gu, "")
        .trim()
    )
    .filter((line) => line !== "" && !line.startsWith("hint:"))
    .join("\n")
    .slice(0, saidLengthMax)

/** What it means that the server did not move the ref: the few words of the report, and what was said around them. */
export const refusedPush = (given: {
  readonly url: string
  readonly ref: RefName
  readonly reason: string
  readonly words: string
}): TransportError => {
  const url = redactUrls(given.url)
  const said = cleanWords(`${given.words}\n${given.reason}`)
  const facts = { url, ref: given.ref, said }
  if (archived.test(said)) return new RepositoryArchived({ url })
  if (protectedBranch.test(said)) return new ProtectedBranch(facts)
  if (moved.test(given.reason)) return new StaleHead(facts)
  if (/non-fast-forward/.test(given.reason)) return new NotFastForward(facts)
  return new HookDeclined(facts)
}

/** What a refusal in words means outside of a report, or `null` when the words are not known. */
export const knownRefusal = (url: string, text: string): TransportError | null => {
  const said = cleanWords(text)
  const shown = redactUrls(url)
  if (archived.test(said)) return new RepositoryArchived({ url: shown })
  if (notFound.test(said)) return new RepositoryNotFound({ url: shown })
  if (noAccess.test(said)) return new AuthenticationFailed({ url: shown, said })
  return null
}

// --- internal ---

/**
 * The branch was elsewhere. `receive-pack` says the first ones, `git push` adds those it finds out by itself.
 * "missing necessary objects": what the commit builds on has left the repository, so it cannot be its head either.
 */
const moved =
  /failed to update ref|atomic transaction failed|cannot lock ref|incorrect old value|reference already exists|failed to lock|missing necessary objects|stale info|fetch first|old value/

/** GitHub's GH006 and GH013, Gitea's, Forgejo's and GitLab's words for branches that not everybody may push to. */
const protectedBranch =
  /GH006|GH013|protected branch|repository rule violations|not allowed to push (?:code )?to protected/i

const archived =
  /repository (?:was|is|has been) archived|repo(?:sitory)? is archived|archived so it is read-only|archived repositor/i

const notFound =
  /repository .*not found|does not appear to be a git repository|repository .*does not exist|no such repository|repository not exported|not a git repository|project you were looking for could not be found/i

const noAccess =
  /permission denied|authentication failed|access denied|could not read (?:username|password)|invalid credentials|host key verification failed|two-factor|2fa|dubious ownership/i
