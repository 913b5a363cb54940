/** What it means that the git program failed, by its words, which `LC_ALL=C` keeps in English. */
import type { GitError } from "../Git.ts"
import { cleanWords, knownRefusal } from "./serverWords.ts"
import {
  AnswerTooLarge,
  ProtocolUnsupported,
  StaleHead,
  type TransportError,
  Unreachable
} from "./TransportError.ts"

/** The typed error. `pushing`: a push was asked for, so it may have arrived. */
export const programFailure = (url: string, error: GitError, pushing = false): TransportError => {
  const words = cleanWords(withoutAdvice(error.stderr))
  if (error.reason === "timeout")
    return new Unreachable({ url, detail: "no answer in time", afterSend: pushing })
  if (error.reason === "output-limit")
    return new AnswerTooLarge({ url, what: "an answer", bytesMax: outputBytesMax })
  if (error.reason === "spawn")
    return new ProtocolUnsupported({ url, detail: `git cannot be started: ${words}` })
  const gone = /not our ref ([0-9a-f]+)/.exec(words)
  if (gone !== null) return new StaleHead({ url, ref: gone[1] ?? "", said: words })
  if (/mismatched (?:object format|algorithms)|unsupported object format/.test(words))
    return new ProtocolUnsupported({ url, detail: words })
  const refusal = knownRefusal(url, words)
  if (refusal !== null) return refusal
  const detail = words || `git ended with code ${error.exitCode}`
  return new Unreachable({ url, detail, afterSend: pushing && !notConnected.test(words) })
}

// --- internal ---

const outputBytesMax = 64 * 1024 * 1024

const notConnected =
  /could not resolve host|connection refused|no route to host|connection timed out|network is unreachable/i

/** The same two lines end every failure of ssh, whatever it was; they would hide what was said before. */
const withoutAdvice = (stderr: string): string =>
  stderr.replace(/Please make sure you have the correct access rights\s+and the repository exists\.?/, "")
