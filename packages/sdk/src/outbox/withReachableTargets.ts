/** The sources whose events can get where they are to go; the others are broken, and stop none of them. */
import * as Either from "effect/Either"
import { BrokenSource, type SourcesFile } from "../intake/SourcesFile.ts"
import { remoteBackendOf, type Variables } from "./RemoteTarget.ts"

/** Moves every source whose backend cannot be reached with these variables to the broken ones, with the reason. */
export const withReachableTargets = (file: SourcesFile, variables: Variables): SourcesFile => {
  const broken = file.sources.flatMap((source) => {
    const backend = remoteBackendOf(source.target, variables)
    if (Either.isRight(backend)) return []
    const { field, expected, found } = backend.left
    const path = `sources.${source.id}.target${field === "" ? "" : `.${field}`}`
    // The place in the file is not known any more; the id is.
    return [
      new BrokenSource({
        index: file.sources.indexOf(source),
        id: source.id,
        problems: [{ path, expected, found }]
      })
    ]
  })
  const ids = new Set(broken.map(({ id }) => id))
  return {
    ...file,
    sources: file.sources.filter(({ id }) => !ids.has(id)),
    broken: [...file.broken, ...broken]
  }
}
