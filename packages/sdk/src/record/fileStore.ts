/** The store in a folder. Apart from `compose.ts`, so that what keeps its record in memory does not load it. */
import { aggregates } from "@patchmoi/core/Aggregates"
import * as Store from "@patchmoi/core/store/Store"
import { FileStore, FileStoreReader } from "@patchmoi/store-file"
import { foldVersion } from "./foldVersion.ts"
import { readableFiles } from "./readableFiles.ts"

/** A folder, and whether this process writes it. */
export interface FileState {
  readonly dataDir: string
  readonly access: "write" | "read"
}

/** The store in the folder. */
export const layerFileStore = ({ dataDir: directory, access }: FileState) =>
  access === "read"
    ? Store.layerDriver(FileStoreReader.openReadOnly({ directory, aggregates, foldVersion }))
    : FileStore.layer({ directory, aggregates, foldVersion, projections: readableFiles })
