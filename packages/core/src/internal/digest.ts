/**
 * Hashes without a built-in module: the core runs on Bun, on Node and in a browser. On Bun they are those of the runtime,
 * which take an eighth of the time: an event that is taken in needs two, and one for each of its runs.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/**
 * The first 128 bits of SHA-256 over the parts, each prefixed with its length, as 32 hexadecimal digits. The parts are
 * written as JSON, because UTF-8 has no half surrogate pairs and would make one text of two.
 */
export const digest128 = (parts: ReadonlyArray<string>): string =>
  hexHashOf(parts.map((part) => `${part.length}:${JSON.stringify(part)}`).join("")).slice(0, 32)

/** SHA-256 of a text in UTF-8, as 32 bytes. */
export const hashOf = (text: string): Uint8Array => sha256(utf8ToBytes(text))

/** SHA-256 of a text in UTF-8, as 64 hexadecimal digits. */
export const hexHashOf: (text: string) => string =
  typeof Bun === "undefined"
    ? (text) => hexHashOfAnywhere(text)
    : (text) => new Bun.CryptoHasher("sha256").update(text).digest("hex")

/** The SHA-256 of lines that come one by one, each with its newline. */
export class LinesHash {
  readonly #hash = sha256.create()

  /** Adds a line, without its newline. */
  add(line: string): void {
    this.#hash.update(utf8ToBytes(`${line}\n`))
  }

  /** 64 hexadecimal digits; nothing can be added afterwards. */
  finish(): string {
    return bytesToHex(this.#hash.digest())
  }
}

/** The same on any runtime. */
export const hexHashOfAnywhere = (text: string): string => bytesToHex(hashOf(text))
