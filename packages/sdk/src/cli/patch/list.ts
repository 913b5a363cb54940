/** `patchmoi patch list`: the patch branches in the order in which they are applied. */
import { GitName, PatchList } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { CommonFlags, Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { inRepository, shortId } from "./repository.ts"

/** Without an upstream to count from, the branches are listed as they are. */
export const run: Run<CommonFlags> = async (session) => {
  const { patches, upstream } = await inRepository(session, ({ repository, topology }) =>
    Effect.map(
      topology.upstream.commit === null
        ? Effect.succeed(topology.patches.map(({ name, tip }): ListedPatch => ({ name, sha: tip })))
        : PatchList.listPatches({
            repository,
            upstream: [topology.upstream.commit],
            patches: topology.patches
          }),
      (listed: ReadonlyArray<ListedPatch>) => ({ patches: listed, upstream: topology.upstream })
    )
  )
  if (session.json) session.printJson({ upstream, patches })
  else session.printRows(columnsOf(session), patches)
  if (!session.json && upstream.commit === null) {
    session.note(`${GitName.shortName(upstream.ref)} is not known here; see: patchmoi patch doctor`)
  }
  return exitCodes.good
}

// --- internal ---

interface ListedPatch {
  readonly name: string
  readonly sha: string
  readonly subject?: string
  readonly base?: string
  readonly commits?: number
}

const columnsOf = ({ forPeople }: Session): ReadonlyArray<Column<ListedPatch>> => [
  { title: "PATCH", of: ({ name }) => name, shrinks: true },
  { title: "COMMIT", of: ({ sha }) => (forPeople ? shortId(sha) : sha) },
  { title: "SUBJECT", of: ({ subject }) => subject ?? "", shrinks: true },
  { title: "COMMITS", of: ({ commits }) => (commits === undefined ? "" : String(commits)) }
]
