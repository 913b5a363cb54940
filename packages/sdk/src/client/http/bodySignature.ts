/** The signature that earlier servers ask for: `sha256=<hex>`, an HMAC-SHA256 of the body alone. */

/** Signs a body with the Web Crypto of the platform. */
export const signBody = async (secret: string, body: string): Promise<string> => {
  const { subtle } = globalThis.crypto
  const encoder = new TextEncoder()
  const key = await subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"]
  )
  const bytes = new Uint8Array(await subtle.sign("HMAC", key, encoder.encode(body)))
  return `sha256=${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`
}
