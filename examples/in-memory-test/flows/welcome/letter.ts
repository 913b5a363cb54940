/** Writes the letter to a new member. */
import { defineBunFlow } from "@patchmoi/sdk/step"

export default defineBunFlow<{ readonly name: string }>(({ flow }) => ({
  status: "completed",
  message: `Dear ${flow.event.payload.name}, welcome!`
}))
