/** The few git commands that build the rehearsal's repositories. Nobody's git configuration takes part. */
import { mkdir, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** What git is told about the machine: nothing of it, and who writes. */
export const gitEnvironment = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Rehearsal",
  GIT_AUTHOR_EMAIL: "rehearsal@example.invalid",
  GIT_COMMITTER_NAME: "Rehearsal",
  GIT_COMMITTER_EMAIL: "rehearsal@example.invalid"
}

/** Runs git in a folder and gives what it printed, without spaces around it. Throws what it complained about. */
export const git = async (directory: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const date = `${clock} +0000`
  const child = Bun.spawn(["git", ...args], {
    cwd: directory,
    env: { ...process.env, ...gitEnvironment, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  if (code !== 0) throw new Error(`git ${args.join(" ")} failed in ${directory}: ${stderr.trim()}`)
  return stdout.trim()
}

/** Files by path in the repository; `null` removes one. */
export type Changes = Readonly<Record<string, string | null>>

/** Writes files, commits everything and gives the commit. The same calls give the same ids on every machine. */
export const commitAll = async (directory: string, message: string, changes: Changes): Promise<string> => {
  for (const [path, text] of Object.entries(changes)) {
    const file = join(directory, path)
    if (text === null) {
      await rm(file)
      continue
    }
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  clock += 60
  await git(directory, "add", "--all", "--force")
  await git(directory, "commit", "--quiet", "--no-verify", "-m", message)
  return git(directory, "rev-parse", "HEAD")
}

/** Makes an empty repository whose branch is `main`. */
export const initRepository = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true })
  await git(directory, "init", "--quiet", "--initial-branch=main")
}

// --- internal ---

/** Seconds since 1970; each commit is a minute after the one before it. */
let clock = 1_790_000_000
