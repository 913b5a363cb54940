/**
 * Writes one file into many repositories with the transport, as the cascade does it. As a program it measures its own memory:
 *
 *   bun bench/cascade/client.ts URL TARGETS CONCURRENCY
 *
 * prints its resident memory before, and the peak of it, in MiB.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { RefName } from "../../packages/git/src/GitName.ts"
import type { CommitView, GitTransport } from "../../packages/git/src/transport/GitTransport.ts"
import { makeHttpTransport } from "../../packages/git/src/transport/HttpTransport.ts"

export const path = ".runtime-version"

/** The folder name of a target. */
export const nameOf = (index: number): string => `target${index}.git`

/** What a push needs: where the branch is, and the trees on the way to the file. */
interface Remembered {
  readonly branch: RefName
  readonly view: CommitView
}

export interface Cascade {
  readonly transport: typeof GitTransport.Service
  readonly url: string
  readonly targets: number
  readonly concurrency: number
  readonly content: string
  /** What earlier pushes left, by target; filled again. `null` remembers nothing. */
  readonly memory: Map<number, Remembered> | null
}

/** Writes the content into every target: by a push alone where the target is remembered. */
export const cascade = (options: Cascade) =>
  Effect.forEach(
    Array.from({ length: options.targets }, (_, index) => index),
    (index) => writeInto(options, index),
    { concurrency: options.concurrency, discard: true }
  )

// --- internal ---

const writeInto = Effect.fnUntraced(function* (options: Cascade, index: number) {
  const { transport, memory } = options
  const target = { url: `${options.url}/${nameOf(index)}`, authorization: null }
  const { branch, view } = memory?.get(index) ?? (yield* look(transport, target))
  const pushed = yield* transport.pushFile(target, {
    branch,
    view,
    path,
    content: Buffer.from(`${options.content}\n`),
    author: { name: "Cascade", email: "cascade@example.com" },
    date: 1_800_000_000,
    message: `chore: pin runtime to ${options.content}`
  })
  memory?.set(index, { branch, view: pushed.view })
})

const look = Effect.fnUntraced(function* (
  transport: typeof GitTransport.Service,
  target: Parameters<typeof transport.readHead>[0]
) {
  const head = yield* transport.readHead(target, null)
  if (head.commit === null) return yield* Effect.dieMessage(`${target.url} is empty`)
  return {
    branch: head.branch,
    view: yield* transport.readCommit(target, { commit: head.commit, paths: [path] })
  }
})

if (import.meta.main) {
  const [url = "", targets = "0", concurrency = "1"] = process.argv.slice(2)
  const before = process.memoryUsage.rss()
  await Effect.runPromise(
    Effect.gen(function* () {
      const transport = makeHttpTransport()
      const options = {
        transport,
        url,
        targets: Number(targets),
        concurrency: Number(concurrency),
        memory: null
      }
      yield* cascade({ ...options, content: "memory" })
      // The peak is told in KiB.
      const bytes = [before, process.resourceUsage().maxRSS * 1024]
      const mebibytes = bytes.map((one) => (one / 1024 ** 2).toFixed(1))
      yield* Console.log(mebibytes.join(" "))
    })
  )
}
