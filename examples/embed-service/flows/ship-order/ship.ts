/** Ships one order. An expensive one ends as `blocked` with a question; the answer is there when the step runs again. */
import { defineBunFlow } from "@patchmoi/sdk/step"

interface Order {
  readonly customer: string
  readonly item: string
  readonly price: number
}

export default defineBunFlow<Order, { readonly ask_above: number }>(({ flow, runtime }) => {
  const { customer, item, price } = flow.event.payload
  if (runtime.approval?.decision === "rejected")
    return { status: "skipped", message: `${item} is not shipped` }
  if (price > (flow.config?.ask_above ?? 0) && runtime.approval === undefined) {
    return {
      status: "blocked",
      message: "waits for a person",
      artifacts: { approval: { prompt: `Ship ${item} for ${price} to ${customer}?` } }
    }
  }
  return { status: "completed", message: `${item} is on its way to ${customer}` }
})
