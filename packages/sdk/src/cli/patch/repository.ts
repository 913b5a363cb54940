/** What the patch commands stand on: git, and the repository around the working folder with its topology. */
import { type Git, GitCli, Repository, Topology } from "@patchmoi/git"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { stylesOf } from "../text/style.ts"
import { oneLine } from "../text/width.ts"

/** A repository and what it looks like. */
export interface Here extends Topology.DiscoveredTopology {
  readonly repository: Repository.Repository
}

/** Runs an effect over the repository of the session's folder. Git sees the caller's variables, as far as git needs them. */
export const inRepository = <A, E>(
  session: Session,
  use: (here: Here) => Effect.Effect<A, E, Git.Git>
): Promise<A> =>
  runWith(
    session,
    Layer.provide(GitCli.layerGitCli(), Layer.setConfigProvider(configOf(session))),
    Effect.gen(function* () {
      const repository = yield* Repository.openRepository({ directory: session.directory })
      const discovered = yield* Topology.discoverTopology({ repository, directory: session.directory })
      noteWarnings(session, discovered)
      return yield* Effect.withConfigProvider(use({ repository, ...discovered }), configOf(session))
    })
  )

/** The first 12 digits of an object id, as people read them. */
export const shortId = (id: string): string => id.slice(0, 12)

// --- internal ---

const configOf = ({ caller }: Session): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromMap(
    new Map(
      Object.entries(caller.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    )
  )

const noteWarnings = (session: Session, { config }: Topology.DiscoveredTopology): void => {
  if (session.json) return
  const { yellow } = stylesOf(session.caller, session.caller.stderr)
  for (const { file, line, field, expected, found } of config.warnings) {
    const place = line === null ? file : `${file}:${line}`
    session.note(
      `${yellow("warning")} ${oneLine(`${place}: ${field}: expected ${expected}, found ${found}`)}`
    )
  }
}
