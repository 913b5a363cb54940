/** Hashes without a built-in module: the core runs on Bun, on Node and in a browser. */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/**
 * The first 128 bits of SHA-256 over the parts, each prefixed with its length, as 32 hexadecimal digits. The parts are
 * written as JSON, because UTF-8 has no half surrogate pairs and would make one text of two.
 */
export const digest128 = (parts: ReadonlyArray<string>): string =>
  bytesToHex(
    sha256(utf8ToBytes(parts.map((part) => `${part.length}:${JSON.stringify(part)}`).join("")))
  ).slice(0, 32)
