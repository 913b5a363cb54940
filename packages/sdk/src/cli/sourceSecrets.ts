/** The names of secrets in a sources file. Loaded from `apart.ts`: what reads sources knows feeds and XML, which nothing else here needs. */
import * as Layer from "effect/Layer"
import { readSourcesFile } from "../intake/SourcesFile.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"

/** Rejects with `SourcesFileError` where the file cannot be used. */
export const readSourceSecrets = async (session: Session, path: string): Promise<ReadonlyArray<string>> =>
  (await runWith(session, Layer.empty, readSourcesFile(path))).secretNames
