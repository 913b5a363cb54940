/**
 * The step: reads the event, finds the workspace, and leaves the work to `maintainFork` of the SDK.
 *
 * The folder may be copied into any workspace that has `@patchmoi/sdk` installed: nothing else is imported.
 */
import { defineBunFlow, workspaceFromContext } from "@patchmoi/sdk/step"

/** The payload of both triggers, as the schemas beside this file describe it. */
interface Payload {
  readonly repo: string
  readonly repository?: string
  readonly tag?: string
  readonly ref?: string
  readonly sha?: string
}

export default defineBunFlow<Payload>(async ({ flow, runtime }) => {
  const { ref, repo, repository, sha, tag } = flow.event.payload
  const release =
    flow.step === "release" && tag !== undefined ? ({ kind: "release", repo, tag } as const) : null
  const branch =
    ref === undefined ? null : ({ kind: "branch", repo, ref, ...(sha === undefined ? {} : { sha }) } as const)
  const movement = release ?? branch
  if (movement === null) {
    return { status: "blocked", message: `the step ${flow.step} needs a tag or a ref in the event's payload` }
  }
  const stop = new AbortController()
  // The run was canceled or is over its time: end git and the checks, and remove the temporary work tree.
  process.once("SIGTERM", () => stop.abort())
  const { maintainFork } = await import("@patchmoi/sdk/git")
  try {
    return await maintainFork({
      workspace: workspaceFromContext({ flow }),
      movement,
      eventId: flow.event.id,
      eventPosition: runtime.eventPosition,
      approval: runtime.approval,
      repository,
      config: flow.config,
      signal: stop.signal
    })
  } catch (cause) {
    if (!stop.signal.aborted) throw cause
    return { status: "failed", message: "stopped by SIGTERM before the end; replay the event to go on" }
  }
})
