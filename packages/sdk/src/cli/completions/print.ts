/** `patchmoi completions`: a script made of the tree of commands. It needs nothing of patchmoi while one types. */
import type { CommandMap } from "../command.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { bashCompletions } from "./bash.ts"
import { commandPaths } from "./commandPaths.ts"
import { fishCompletions } from "./fish.ts"
import { zshCompletions } from "./zsh.ts"

const scripts = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions }

/** Prints the script for a shell; with `--json`, as `{ shell, script }`. */
export const printCompletions = (
  session: Session,
  shell: keyof typeof scripts,
  program: string,
  root: CommandMap
): ExitCode => {
  const script = scripts[shell](program, commandPaths(root))
  if (session.json) session.printJson({ shell, script })
  else session.print(script)
  return exitCodes.good
}
