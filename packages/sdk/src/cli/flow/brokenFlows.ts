/** How broken flows and warnings are told, on standard error, wherever flows are looked for. */
import type { BrokenFlow, Flow, FlowIssue } from "@patchmoi/core/flow/Flow"
import type { Session } from "../Session.ts"
import { stylesOf } from "../text/style.ts"
import { oneLine } from "../text/width.ts"

/** One line for each thing that is wrong: file, line, field, what is expected, what is there. */
export const noteBrokenFlows = (session: Session, broken: ReadonlyArray<BrokenFlow>): void => {
  const styles = stylesOf(session.caller, session.caller.stderr)
  for (const { issues } of broken) {
    for (const issue of issues) session.note(`${styles.red("broken")} ${issueText(issue)}`)
  }
}

/** One line for each warning of a flow. */
export const noteWarnings = (session: Session, flows: ReadonlyArray<Flow>): void => {
  const styles = stylesOf(session.caller, session.caller.stderr)
  for (const { name, warnings } of flows) {
    for (const warning of warnings)
      session.note(`${styles.yellow("warning")} ${oneLine(`${name}: ${warning}`)}`)
  }
}

/** `file:line: field: expected …, found …`. */
export const issueText = (issue: FlowIssue): string => {
  const { file, line, field, expected, found, message } = issue
  const place = line === undefined ? file : `${file}:${line}`
  const what =
    field !== undefined && expected !== undefined
      ? `${field}: expected ${expected}, found ${found ?? "nothing"}`
      : message
  return oneLine(`${place}: ${what}`)
}
