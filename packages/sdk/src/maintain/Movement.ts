/** What upstream did, as an event tells it. Nothing here is checked yet: it comes from outside. */

/** Upstream released a tag. */
export interface ReleaseMovement {
  readonly kind: "release"
  /** The upstream repository, such as `acme/tool`. */
  readonly repo: string
  /** The tag, with or without `refs/tags/`. It may contain `/`. */
  readonly tag: string
}

/** An upstream branch has new commits. */
export interface BranchMovement {
  readonly kind: "branch"
  /** The upstream repository, such as `acme/tool`. */
  readonly repo: string
  /** The branch, with or without `refs/heads/`. */
  readonly ref: string
  /** The commit that the event is about. It must be on the branch; the rebuild goes onto the branch's newest commit. */
  readonly sha?: string
}

/** What `maintainFork` carries patches over; the step of a flow makes it out of the payload of its event. */
export type UpstreamMovement = ReleaseMovement | BranchMovement
