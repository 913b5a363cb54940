/** Names in git, as far as intake must know them. */

/** Whether git accepts the text as the name of a tag: the rules of `git check-ref-format`, and no leading `-`. */
export const isTagName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= tagLengthMax &&
  !refused.test(name) &&
  !name.startsWith("-") &&
  !name.endsWith(".") &&
  name !== "@" &&
  name.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"))

/** Whether the text is a full object id: SHA-1 or SHA-256. */
export const isCommitId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

// --- internal ---

/** Longest tag name: a file name on common file systems has at most 255 bytes, and a tag may have folders. */
const tagLengthMax = 1024

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among what git refuses.
const refused = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{/
