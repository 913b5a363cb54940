/** The text of an answer, bounded: no server can fill the memory of its client. */

/** Largest answer, in bytes (64 MiB): a run with all of its output fits several times. */
export const answerBytesMax = 67_108_864

/** Reads an answer as UTF-8. Rejects when it is larger than {@link answerBytesMax}, or the connection breaks off. */
export const readText = async (response: Response): Promise<string> => {
  if (response.body === null) return ""
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  const parts: Array<string> = []
  let bytes = 0
  while (true) {
    const { done, value } = await reader.read()
    if (done) return parts.concat(decoder.decode()).join("")
    bytes += value.byteLength
    if (bytes > answerBytesMax) {
      await reader.cancel()
      throw new Error(`the answer is larger than ${answerBytesMax} bytes`)
    }
    parts.push(decoder.decode(value, { stream: true }))
  }
}
