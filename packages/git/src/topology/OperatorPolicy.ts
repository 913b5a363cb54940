/**
 * What may be done to a maintained repository, and who says so.
 *
 * The operator of patchmoi allows; the maintained repository can only forbid. Its `.patchmoi.toml` is content that a
 * commit can change, so `allowRebuild = true` in it grants nothing: the file decodes into `Restrictions`, a type that
 * has no word for a grant.
 */

/** Everything that needs leave, by its name in an operator's options. */
export interface OperatorPolicy {
  /** Talk to the remotes. (Default: no.) */
  readonly fetch: boolean
  /** Dispatch events for this repository. (Default: no.) */
  readonly dispatch: boolean
  /** Replay events for this repository. (Default: no.) */
  readonly replay: boolean
  /** Rebuild the stack and write candidate refs. (Default: no.) */
  readonly rebuild: boolean
  /** Record work as a patch branch. (Default: no.) */
  readonly capture: boolean
  /** Push refs to the fork. (Default: no.) */
  readonly push: boolean
  /** Move the maintained branch to a candidate. (Default: no.) */
  readonly moveTarget: boolean
}

/** One thing that needs leave: the operator grants it by this name, and `Restrictions` of the repository forbid it by it. */
export type Permission = keyof OperatorPolicy

/** What the maintained repository forbids. A permission that is not listed is left to the operator. */
export interface Restrictions {
  readonly forbidden: ReadonlyArray<Permission>
}

/** Nothing is allowed: what holds where the operator says nothing. */
export const denyAll: OperatorPolicy = {
  fetch: false,
  dispatch: false,
  replay: false,
  rebuild: false,
  capture: false,
  push: false,
  moveTarget: false
}

/** The policy that holds: what the operator allows, less what the repository forbids. */
export const tighten = (operator: OperatorPolicy, restrictions: Restrictions): OperatorPolicy => {
  const holds = (permission: Permission) =>
    operator[permission] && !restrictions.forbidden.includes(permission)
  return {
    fetch: holds("fetch"),
    dispatch: holds("dispatch"),
    replay: holds("replay"),
    rebuild: holds("rebuild"),
    capture: holds("capture"),
    push: holds("push"),
    moveTarget: holds("moveTarget")
  }
}
