/** The few git commands that build the rehearsal's repositories. Nobody's git configuration takes part. */
import { mkdir, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

const environment = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Rehearsal",
  GIT_AUTHOR_EMAIL: "rehearsal@example.invalid",
  GIT_COMMITTER_NAME: "Rehearsal",
  GIT_COMMITTER_EMAIL: "rehearsal@example.invalid"
}

/** Runs git in a folder and gives what it printed. Throws what it complained about. */
export const git = async (directory: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const child = Bun.spawn(["git", ...args], {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  if (code !== 0) throw new Error(`git ${args[0]} failed in ${directory}: ${stderr.trim()}`)
  return stdout.trim()
}

/** Files by path in the repository. Null removes one. */
export type Changes = Readonly<Record<string, string | null>>

/** Writes files, commits everything and gives the commit. */
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
  await git(directory, "add", "--all", "--force")
  await git(directory, "commit", "--quiet", "--no-verify", "-m", message)
  return git(directory, "rev-parse", "HEAD")
}

/** Makes an empty repository whose branch is `main`. */
export const initRepository = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true })
  await git(directory, "init", "--quiet", "--initial-branch=main")
}
