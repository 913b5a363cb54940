/** Leases of attempts: who holds them, and until when. Synchronous; what reads and writes does so under the write lock. */
import type { ProcessIdentity } from "@patchmoi/core/executor/Executor"
import type { Fence, Lease } from "@patchmoi/core/store/Driver"
import type { Connection } from "./Connection.ts"
import { fromText, toText } from "./text.ts"

export class Leases {
  readonly #select
  readonly #upsert
  readonly #renew
  readonly #setProcess
  readonly #delete

  constructor(connection: Connection) {
    this.#select = connection.prepare(
      "SELECT token, worker, expires_at, process FROM leases WHERE attempt = ?"
    )
    this.#upsert = connection.prepare(
      `INSERT INTO leases (attempt, token, worker, expires_at, process) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (attempt) DO UPDATE SET token = ?2, worker = ?3, expires_at = ?4, process = ?5`
    )
    this.#renew = connection.prepare(
      "UPDATE leases SET expires_at = ? WHERE attempt = ? AND token = ? AND expires_at > ?"
    )
    this.#setProcess = connection.prepare(
      "UPDATE leases SET process = ? WHERE attempt = ? AND token = ? AND expires_at > ?"
    )
    this.#delete = connection.prepare("DELETE FROM leases WHERE attempt = ?")
  }

  get(attemptId: string): Lease | undefined {
    const row = this.#select.values(toText(attemptId))[0]
    if (row === undefined) return undefined
    const [token, workerId, expiresAt, process] = row
    const lease = {
      token: fromText(String(token)),
      workerId: fromText(String(workerId)),
      expiresAt: Number(expiresAt)
    }
    return typeof process === "string" ? { ...lease, process: JSON.parse(process) } : lease
  }

  put(attemptId: string, { token, workerId, expiresAt, process }: Lease): void {
    this.#upsert.run(
      toText(attemptId),
      toText(token),
      toText(workerId),
      expiresAt,
      process === undefined ? null : JSON.stringify(process)
    )
  }

  take(attemptId: string, lease: Lease, now: number): boolean {
    const held = this.get(attemptId)
    if (held !== undefined && held.token !== lease.token && held.expiresAt > now) return false
    this.put(attemptId, lease)
    return true
  }

  renew(attemptId: string, token: string, expiresAt: number, now: number): boolean {
    return this.#renew.run(expiresAt, toText(attemptId), toText(token), now).changes > 0
  }

  setProcess(attemptId: string, token: string, process: ProcessIdentity, now: number): boolean {
    return this.#setProcess.run(JSON.stringify(process), toText(attemptId), toText(token), now).changes > 0
  }

  remove(attemptId: string): void {
    this.#delete.run(toText(attemptId))
  }

  /** Whether the attempt is held with this token at this time. */
  isHeld(attemptId: string, { token, now }: Fence): boolean {
    const lease = this.get(attemptId)
    return lease?.token === token && lease.expiresAt > now
  }
}
