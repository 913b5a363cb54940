/** Remembers the nonces of signed requests for as long as their signatures are good, so that none is good twice. */
import { signatureAgeMillisMax } from "../api/signing.ts"

/** How many nonces are remembered: 1,000 signed requests a second for the life of a signature. */
export const noncesMax = 300_000

/** Between two searches for nonces that may be forgotten, in milliseconds: one takes as long as serving a few requests. */
export const forgetMillis = 1_000

/** `full`: too many are remembered to take another one in; the request has to wait. */
export type NonceVerdict = "new" | "seen" | "full"

/** A memory of nonces, in this process alone. */
export class Nonces {
  /** Nonce → when its signature is too old. */
  readonly #untilMillis = new Map<string, number>()
  #forgotAtMillis = Number.NEGATIVE_INFINITY

  constructor(readonly max: number = noncesMax) {}

  /** Takes a nonce in. `signedAtMillis` is the time in the signature. */
  take(nonce: string, signedAtMillis: number, nowMillis: number): NonceVerdict {
    const until = this.#untilMillis.get(nonce)
    if (until !== undefined && until >= nowMillis) return "seen"
    if (this.#untilMillis.size >= this.max) this.#forget(nowMillis)
    if (this.#untilMillis.size >= this.max) return "full"
    this.#untilMillis.set(nonce, signedAtMillis + signatureAgeMillisMax)
    return "new"
  }

  #forget(nowMillis: number): void {
    // A clock that was set back counts as time that has passed.
    if (Math.abs(nowMillis - this.#forgotAtMillis) < forgetMillis) return
    this.#forgotAtMillis = nowMillis
    for (const [nonce, until] of this.#untilMillis) {
      if (until < nowMillis) this.#untilMillis.delete(nonce)
    }
  }
}
