/** The backend that an event is handed over to, instead of to the flows here. */
import { DispatchId, type EventId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import { Dispatches } from "./Dispatches.ts"

/** Another backend. */
export interface RemoteBackend {
  /** Where it is: no path of a route, no user name. */
  readonly url: string
  /** The variable that holds its secret. */
  readonly secretEnv?: string
}

/** The backend that an event was first dispatched to; a replay goes there too. Undefined for this one. */
export const backendOf = (unit: Unit, eventId: EventId): RemoteBackend | undefined => {
  const dispatch = unit.load(Dispatches, DispatchId.make(`${eventId}:dispatch:0`))
  return dispatch?.workspaceBackendUrl === undefined
    ? undefined
    : withoutUndefined({ url: dispatch.workspaceBackendUrl, secretEnv: dispatch.secretEnv })
}
