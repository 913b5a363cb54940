/** A token bucket for each caller: a burst, and a number a second in the long run. */

interface Bucket {
  tokens: number
  atMillis: number
}

/** Limits by the name of the caller; there are as many as there are tokens, and two. */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()

  constructor(readonly rate: { readonly burst: number; readonly perSecond: number }) {}

  /** 0 when the caller may go on, else after how many milliseconds it may. */
  take(caller: string, nowMillis: number): number {
    const { burst, perSecond } = this.rate
    let bucket = this.#buckets.get(caller)
    if (bucket === undefined) {
      bucket = { tokens: burst, atMillis: nowMillis }
      this.#buckets.set(caller, bucket)
    }
    const passedMillis = Math.max(0, nowMillis - bucket.atMillis)
    bucket.tokens = Math.min(burst, bucket.tokens + (passedMillis * perSecond) / 1_000)
    bucket.atMillis = nowMillis
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1_000) / perSecond)
    bucket.tokens -= 1
    return 0
  }
}
