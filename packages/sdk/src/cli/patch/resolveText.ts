/** What the steps of a resolution came to, for people, and as an exit code. */
import { GitName, type ResolveOutcome, Resolver } from "@patchmoi/git"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { printTouches } from "./conflictText.ts"
import { shortId } from "./repository.ts"

/** Prints the outcome and gives the exit code: 10 while a conflict is open. */
export const tellOutcome = (session: Session, outcome: ResolveOutcome.ResolveOutcome): ExitCode => {
  if (session.json) session.printJson(outcome)
  else printOutcome(session, outcome)
  const isDone = outcome._tag === "Finished" || outcome._tag === "NothingToResolve"
  return isDone ? exitCodes.good : exitCodes.needsAttention
}

// --- internal ---

const printOutcome = (session: Session, outcome: ResolveOutcome.ResolveOutcome): void => {
  const { green } = session.styles
  switch (outcome._tag) {
    case "NothingToResolve":
      printReused(session, outcome.result)
      session.print("no conflict: every patch can be carried over (patchmoi patch rebuild)\n")
      return
    case "WouldOpen":
      printOpen(session, outcome)
      session.print(`it would be opened in ${outcome.directory} (dry run)\n`)
      return
    case "Opened":
      printMade(session, outcome.made)
      printOpen(session, outcome)
      session.print(
        `\nopened in ${outcome.directory}\nEdit the files there, mark each with git add (or git rm for no file), then: patchmoi patch continue\n`
      )
      return
    case "WouldStore":
      for (const { path, result } of outcome.answers) {
        const what = result === null ? "no file" : `${result.oid} (mode ${result.mode})`
        session.print(`would store ${oneLine(path)}: ${what}\n`)
      }
      session.print(`and go on with the rebuild after ${outcome.patch} (dry run)\n`)
      return
    case "Finished":
      printMade(session, outcome.made)
      printReused(session, outcome.result)
      session.print(`result: ${shortId(outcome.result.tip)}\n`)
      for (const { next, ref } of outcome.moved) {
        session.print(`${green("moved")} ${GitName.shortName(ref)} ${shortId(next)}\n`)
      }
      if (outcome.moved.length === 0)
        session.print("no branch was moved: only a part of the stack was asked for\n")
  }
}

const printMade = (session: Session, made: ReadonlyArray<string>): void => {
  for (const id of made) session.print(`stored resolution ${id}\n`)
}

const printReused = (session: Session, result: Parameters<typeof Resolver.reusedResolutions>[0]): void => {
  const { yellow } = session.styles
  for (const { patch, path, resolution } of Resolver.reusedResolutions(result)) {
    session.print(`${yellow("resolved")} ${patch}: ${oneLine(path)} by the stored resolution ${resolution}\n`)
  }
}

const printOpen = (
  session: Session,
  { conflict }: Extract<ResolveOutcome.ResolveOutcome, { readonly _tag: "Opened" | "WouldOpen" }>
): void => {
  const { red } = session.styles
  session.print(
    `${red("conflict")} ${conflict.patch}: ${shortId(conflict.commit)} ${oneLine(conflict.subject)}\n`
  )
  if (conflict.purpose !== null) session.print(`purpose: ${oneLine(conflict.purpose)}\n`)
  for (const file of conflict.files) {
    session.print(`${oneLine(file.path)} (${file.kind})\n`)
    printTouches(session, file)
  }
}
