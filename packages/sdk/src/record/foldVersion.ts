/** The name of the code that folds documents: a snapshot that another version made is not used, but made anew from the log. */
import manifest from "../../package.json" with { type: "json" }

/**
 * Raise the number after the plus sign with every change of what an `evolve` or an index makes of the same facts, where
 * the version of the package stays.
 */
export const foldVersion = `${manifest.version}+2`
