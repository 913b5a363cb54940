/** Where everything of one rehearsal lies. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"

export interface Places {
  readonly root: string
  /** The bare repositories that the server serves. */
  readonly served: string
  /** The work tree in which upstream is made. */
  readonly upstream: string
  /** The clone in which the fork is maintained. */
  readonly fork: string
  /** Where the record of forecasts is kept. */
  readonly dataDir: string
  /** The list of repositories that follow the fork. */
  readonly cascadeFile: string
}

/** Makes the folders below the root that have to be there. */
export const makePlaces = async (root: string): Promise<Places> => {
  const places: Places = {
    root,
    served: join(root, "served"),
    upstream: join(root, "upstream"),
    fork: join(root, "fork"),
    dataDir: join(root, "data"),
    cascadeFile: join(root, "cascade.toml")
  }
  await mkdir(places.served, { recursive: true })
  await mkdir(places.dataDir)
  return places
}
