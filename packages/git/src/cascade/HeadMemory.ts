/**
 * What was last written to each target, with the trees around it: enough for the next write to be one request.
 *
 * The memory is never needed and never trusted: a branch that is no longer where it was remembered refuses the push, and is
 * then read. Losing it costs requests.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { RefName } from "../GitName.ts"
import { frame, objectIdOf } from "../internal/objectFormat.ts"
import { CommitViewData } from "../transport/CommitView.ts"

/** Largest memory of one target on disk, in bytes of JSON. A larger one is not kept. */
export const rememberedBytesMax = 256 * 1024

/** One target as it was left. */
export const RememberedHead = Schema.Struct({
  /** The version that the file held at the commit. */
  written: Schema.String,
  branch: RefName,
  view: CommitViewData
})
export type RememberedHead = typeof RememberedHead.Type

/** Which target, and which file in it. */
export interface MemoryKey {
  readonly target: string
  readonly file: string
}

/**
 * Where a cascade keeps what it wrote: nowhere (`layerNone`), in the process (`layerMemory`), or on disk (`layerFolder`).
 * Never fails: what is not remembered is read from the target.
 */
export class HeadMemory extends Context.Tag("@patchmoi/git/HeadMemory")<
  HeadMemory,
  {
    /** `null` when nothing usable is remembered. */
    readonly recall: (key: MemoryKey) => Effect.Effect<RememberedHead | null>
    /** Keeps it, or lets it be when it is too large or cannot be written. */
    readonly remember: (key: MemoryKey, head: RememberedHead) => Effect.Effect<void>
  }
>() {}

/** Nothing is remembered. */
export const layerNone: Layer.Layer<HeadMemory> = Layer.succeed(HeadMemory, {
  recall: () => Effect.succeed(null),
  remember: () => Effect.void
})

/** For the time of the process. */
export const layerMemory: Layer.Layer<HeadMemory> = Layer.sync(HeadMemory, () => {
  const kept = new Map<string, RememberedHead>()
  return {
    recall: (key) => Effect.sync(() => kept.get(nameOf(key)) ?? null),
    remember: (key, head) => Effect.sync(() => void kept.set(nameOf(key), head))
  }
})

/** One file for each target in a folder, which is made when something is kept. A file is replaced as a whole. */
export const layerFolder = (folder: string): Layer.Layer<HeadMemory> =>
  Layer.succeed(HeadMemory, {
    recall: (key) =>
      Effect.tryPromise(() =>
        Bun.file(join(folder, nameOf(key)))
          .slice(0, rememberedBytesMax + 1)
          .text()
      ).pipe(
        Effect.flatMap((text) => decodeKept(text)),
        Effect.option,
        Effect.map(Option.getOrNull)
      ),
    remember: (key, head) =>
      Effect.tryPromise(async () => {
        const text = encodeKept(head)
        if (Buffer.byteLength(text) > rememberedBytesMax) return
        await mkdir(folder, { recursive: true })
        const path = join(folder, nameOf(key))
        const draft = `${path}.${crypto.randomUUID()}`
        try {
          await writeFile(draft, text, { mode: 0o600 })
          await rename(draft, path)
        } finally {
          // There is none after the renaming.
          await rm(draft, { force: true })
        }
      }).pipe(
        Effect.catchAll((error) => Effect.logDebug(`What was written is not remembered: ${error.message}`))
      )
  })

// --- internal ---

const kept = Schema.parseJson(RememberedHead)
const decodeKept = Schema.decode(kept)
const encodeKept = Schema.encodeSync(kept)

const nameOf = ({ file, target }: MemoryKey): string =>
  `${objectIdOf("sha256", frame("blob", Buffer.from(JSON.stringify([target, file]))))}.json`
