/** Watches what a step prints, and says at the end what came of it, in words that name the step. */
import type { AttemptOutcome, ExitCause, OutputChunk, StepInvocation } from "@patchmoi/core/executor/Executor"
import { concludeScan, emptyScan, scanText } from "@patchmoi/core/executor/FlowResultLine"
import * as Either from "effect/Either"

/** How many lines of the end of the output an error quotes. */
export const quotedLinesMax = 20
/** How much of the end of the output an error quotes, in UTF-16 code units. As much of each stream is kept for it. */
export const quotedLengthMax = 4_096

/** Keeps of the output what the outcome needs: the last result line, and the end of each stream. */
export interface OutputWatch {
  readonly take: (chunk: OutputChunk) => void
  /** The outcome, given how the process ended. */
  readonly conclude: (exit: ExitCause) => AttemptOutcome
}

/** Watches one attempt of the step. */
export const makeOutputWatch = (flow: StepInvocation["flow"]): OutputWatch => {
  let scan = emptyScan
  const ends = { stdout: "", stderr: "", system: "", agent: "" }
  return {
    take: ({ stream, text }) => {
      ends[stream] = keepEnd(ends[stream], text)
      if (stream === "stdout") scan = scanText(scan, text)
    },
    conclude: (exit) => {
      const found = concludeScan(scan)
      const failure = explainExit(exit, `Step ${flow.name}/${flow.step}`)
      if (failure === undefined) {
        return Either.match(found, {
          onLeft: (error) => ({ exit, error: error.message }),
          onRight: (result) => ({ exit, result })
        })
      }
      const parts = [failure, quoteEnd(ends)]
      if (Either.isLeft(found) && found.left._tag === "FlowResultInvalid") parts.push(found.left.message)
      const error = parts.filter((part) => part !== "").join("\n")
      return Either.isRight(found) ? { exit, result: found.right, error } : { exit, error }
    }
  }
}

/** The outcome of a step that never became a process. */
export const notStarted = (flow: StepInvocation["flow"], reason: string): AttemptOutcome => ({
  exit: { _tag: "NotStarted", reason },
  error: `Step ${flow.name}/${flow.step} could not be started: ${reason}`
})

// --- internal ---

/** What is wrong with the exit; undefined for code 0. */
const explainExit = (exit: ExitCause, step: string): string | undefined => {
  switch (exit._tag) {
    case "ExitCode":
      return exit.code === 0 ? undefined : `${step} exited with code ${exit.code}`
    case "Signal":
      return `${step} was ended by ${exit.signal}, which patchmoi did not send`
    case "Timeout":
      return `${step} timed out after ${exit.timeoutMillis} ms and was ended with everything that it started`
    case "Canceled":
      return `${step} was canceled`
    case "Lost":
      return `${step} was lost: ${exit.reason}`
    case "NotStarted":
      return `${step} could not be started: ${exit.reason}`
  }
}

const keepEnd = (end: string, text: string): string =>
  text.length >= quotedLengthMax ? text.slice(-quotedLengthMax) : (end + text).slice(-quotedLengthMax)

/** The last lines of stderr, or of stdout when stderr is empty. */
const quoteEnd = (ends: Readonly<Record<OutputChunk["stream"], string>>): string => {
  const end = ends.stderr.trim() === "" ? ends.stdout : ends.stderr
  return end.trimEnd().split("\n").slice(-quotedLinesMax).join("\n")
}
