/** What can go wrong between a client and its server. None of them carries a secret: no header, no body of a request. */
import * as Schema from "effect/Schema"

/** The server could not be reached, or the connection ended before the answer did. Whether a write took place is unknown. */
export class BackendUnreachable extends Schema.TaggedError<BackendUnreachable>("patchmoi/BackendUnreachable")(
  "BackendUnreachable",
  { baseUrl: Schema.String, reason: Schema.String, attempts: Schema.Int }
) {
  override get message() {
    const times = this.attempts === 1 ? "" : ` (tried ${this.attempts} times)`
    return `The backend at ${this.baseUrl} cannot be reached: ${this.reason}${times}`
  }
}

/** The server takes nothing now: its queue is full, a rate limit is reached, or another writer was faster. Nothing was recorded. */
export class BackendBusy extends Schema.TaggedError<BackendBusy>("patchmoi/BackendBusy")("BackendBusy", {
  status: Schema.Int,
  code: Schema.String,
  reason: Schema.String,
  /** How long the server asks to wait, in milliseconds. */
  retryAfterMillis: Schema.optional(Schema.Int)
}) {
  override get message() {
    const wait = this.retryAfterMillis === undefined ? "later" : `in ${this.retryAfterMillis / 1_000} s`
    return `The backend is busy (${this.status} ${this.code}): ${this.reason}. Try again ${wait}.`
  }
}

/** The server does not accept the request: who sends it, or what is in it. Nothing was recorded. */
export class BackendRefused extends Schema.TaggedError<BackendRefused>("patchmoi/BackendRefused")(
  "BackendRefused",
  {
    /** 401 and 403: who asks. Others: what is asked. */
    status: Schema.Int,
    code: Schema.String,
    reason: Schema.String,
    /** What of the request is wrong. */
    field: Schema.optional(Schema.String),
    hint: Schema.optional(Schema.String)
  }
) {
  override get message() {
    const hint = this.hint === undefined ? "" : ` ${this.hint}`
    return `The backend refuses the request (${this.status} ${this.code}): ${this.reason}${hint}`
  }
}

/** The server failed, or answers what no patchmoi server answers. Whether a write took place is unknown. */
export class BackendFailed extends Schema.TaggedError<BackendFailed>("patchmoi/BackendFailed")(
  "BackendFailed",
  { status: Schema.Int, code: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `The backend failed (${this.status} ${this.code}): ${this.reason}`
  }
}

/** What any call over HTTP may fail with, besides what the same call fails with on this machine. */
export type BackendFailure = BackendUnreachable | BackendBusy | BackendRefused | BackendFailed
