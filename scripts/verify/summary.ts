/** What `bun run verify` says last. */
import type { TestCount } from "./gate.ts"

/**
 * The count. Its last line is always `N passed, N failed` and nothing else, for whoever reads it by machine; skipped
 * tests, if there are any, are told on a line of their own before it.
 */
export const summaryOf = ({ passed, failed, skipped }: TestCount): string =>
  `${skipped > 0 ? `${skipped} skipped\n` : ""}${passed} passed, ${failed} failed`
