/** Pages of lists: what is asked for, and where the next one begins. */
import type { PageFlags, Session } from "./Session.ts"

/** The page that the options ask for. */
export const pageOf = ({ limit, cursor }: PageFlags): PageFlags => ({
  ...(limit === undefined ? {} : { limit }),
  ...(cursor === undefined ? {} : { cursor })
})

/** Says how to see more, when there is more. JSON has the cursor in it. */
export const notePage = (session: Session, { cursor }: { readonly cursor?: string }): void => {
  if (cursor !== undefined && !session.json) session.note(`There may be more: --cursor ${cursor}`)
}
