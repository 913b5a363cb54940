/**
 * The step: reads the event, finds the workspace, and leaves the work to `cascadeVersion` of the SDK.
 *
 * The folder may be copied into any workspace that has `@patchmoi/sdk` installed: nothing else is imported.
 */
import { defineBunFlow, workspaceFromContext } from "@patchmoi/sdk/step"

/** The payload of the trigger, as the schema beside this file describes it. */
interface Payload {
  readonly packageName: string
  readonly version: string
}

export default defineBunFlow<Payload>(async ({ flow }) => {
  const stop = new AbortController()
  // The run was canceled or is over its time: what was pushed stays pushed, and the event again goes on from there.
  process.once("SIGTERM", () => stop.abort())
  const { cascadeVersion } = await import("@patchmoi/sdk/cascade")
  try {
    return await cascadeVersion({
      workspace: workspaceFromContext({ flow }),
      payload: flow.event.payload,
      config: flow.config,
      signal: stop.signal
    })
  } catch (cause) {
    if (!stop.signal.aborted) throw cause
    return { status: "failed", message: "stopped by SIGTERM before the end; replay the event to go on" }
  }
})
