/** A git server on the loopback interface: `git http-backend` as a CGI program, and no forge around it. */
import { git, gitEnvironment } from "@patchmoi/example-rehearsal/git"

/** The server, while it is up. */
export interface GitServer {
  /** Where a repository is served. */
  readonly urlOf: (name: string) => string
  /** Pushes that the server has been asked to take so far. */
  readonly pushes: () => number
  readonly stop: () => Promise<void>
}

/** Serves every bare repository in the folder, for reading and for pushing. Source: git-http-backend(1). */
export const serveRepositories = (root: string): GitServer => {
  let pushes = 0
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url)
      if (request.method === "POST" && pathname.endsWith("/git-receive-pack")) pushes += 1
      const body = new Uint8Array(await request.arrayBuffer())
      const child = Bun.spawn(["git", "http-backend"], {
        env: {
          ...process.env,
          ...gitEnvironment,
          GIT_PROJECT_ROOT: root,
          GIT_HTTP_EXPORT_ALL: "1",
          GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
          PATH_INFO: decodeURIComponent(pathname),
          QUERY_STRING: search.slice(1),
          REQUEST_METHOD: request.method,
          CONTENT_TYPE: request.headers.get("content-type") ?? "",
          CONTENT_LENGTH: String(body.byteLength),
          HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
          REMOTE_ADDR: "127.0.0.1"
        },
        stdin: body,
        stdout: "pipe",
        stderr: "ignore"
      })
      return answerOf(Buffer.from(await new Response(child.stdout).arrayBuffer()))
    }
  })
  return {
    urlOf: (name) => `http://127.0.0.1:${server.port}/${name}.git`,
    pushes: () => pushes,
    stop: () => server.stop(true)
  }
}

/** Makes an empty bare repository that the server takes pushes for. */
export const initServed = async (root: string, name: string): Promise<string> => {
  const directory = `${root}/${name}.git`
  await git(root, "init", "--quiet", "--bare", "--initial-branch=main", directory)
  await git(directory, "config", "http.receivepack", "true")
  await git(directory, "config", "uploadpack.allowFilter", "true")
  return directory
}

// --- internal ---

/** The answer of a CGI program: header lines, an empty line, the body. */
const answerOf = (output: Buffer<ArrayBuffer>): Response => {
  const end = output.indexOf("\r\n\r\n")
  if (end < 0) return new Response("git http-backend gave no answer", { status: 500 })
  const headers = new Headers()
  let status = 200
  for (const line of output.toString("latin1", 0, end).split("\r\n")) {
    const colon = line.indexOf(":")
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    if (name === "status") status = Number.parseInt(value, 10)
    else if (colon > 0) headers.append(name, value)
  }
  return new Response(output.subarray(end + 4), { status, headers })
}
