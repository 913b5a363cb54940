/** Notes a release; yours carries patches over, opens an issue, builds a package. */
import { defineBunFlow } from "@patchmoi/sdk/step"

export default defineBunFlow<{ readonly tag: string }>(({ flow }) => ({
  status: "completed",
  message: `${flow.event.payload.tag} is out`
}))
