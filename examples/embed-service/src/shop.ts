/**
 * A product with a server of its own that runs flows inside: no second process, no second port.
 *
 * An order that was answered with 202 is on the disk together with its run. It is shipped once, however often it is sent,
 * and also when this process dies before it is shipped: the next one goes on.
 */
import { type EventView, FlowClient, FlowError, type RunView, UnknownEvent } from "@patchmoi/sdk"

export interface ShopOptions {
  /** Where `flows/` is; absolute. */
  readonly workspace: string
  /** Where the record is kept. */
  readonly dataDir: string
  /** 0 takes a free one. */
  readonly port: number
}

export interface Shop {
  readonly url: string
  /** Takes no more requests, lets running steps end, closes the record. */
  readonly stop: () => Promise<void>
}

/** Opens the record, goes on with what an earlier process left, and serves. */
export const serveShop = async ({ workspace, dataDir, port }: ShopOptions): Promise<Shop> => {
  const flows = await FlowClient.open({ mode: "local", cwd: workspace, state: { kind: "file", dataDir } })
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    routes: {
      "/orders/:id": {
        PUT: async (request) => {
          const event = {
            id: `order:${request.params.id}`,
            type: "order.placed",
            payload: await request.json()
          }
          // `wait: false`: the answer says that the order is kept, not that it is shipped.
          const { runs } = await flows.dispatchEvent(event, { wait: false })
          return runs.length === 0
            ? Response.json({ error: "this is no order" }, { status: 422 })
            : Response.json(orderOf(runs), { status: 202 })
        },
        GET: async (request) => Response.json(orderOf(await runsOf(flows, request.params.id)))
      },
      "/orders/:id/approval": {
        POST: async (request) => {
          const { approved, by }: { readonly approved?: unknown; readonly by?: unknown } = Object(
            await request.json()
          )
          const [run] = await runsOf(flows, request.params.id)
          if (run === undefined) return notFound()
          const decide = approved === true ? flows.approveRun.bind(flows) : flows.rejectRun.bind(flows)
          await decide(run.id, { by: String(by) })
          return new Response(null, { status: 204 })
        }
      }
    },
    fetch: () => notFound(),
    error: (error) => {
      if (error instanceof UnknownEvent) return notFound()
      if (error instanceof FlowError) return Response.json({ error: error.message }, { status: 409 })
      return Response.json({ error: "the request cannot be used" }, { status: 400 })
    }
  })
  return {
    url: server.url.href,
    stop: async () => {
      await server.stop()
      await flows.close()
    }
  }
}

// --- internal ---

const runsOf = async (flows: FlowClient, id: string): Promise<EventView["runs"]> =>
  (await flows.getEvent(`order:${id}`)).runs

/** What a customer sees of an order. */
const orderOf = ([run]: ReadonlyArray<RunView>) => {
  const question = run?.waitingOn?._tag === "Approval" ? { question: run.waitingOn.prompt } : {}
  return { status: run?.status, message: run?.resultPayload?.message, ...question }
}

const notFound = (): Response => Response.json({ error: "there is no such order" }, { status: 404 })
