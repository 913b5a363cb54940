/** The three channels that a server puts into one stream of packets: data, words for people, a fatal error. */
import { garbage, MalformedAnswer } from "./MalformedAnswer.ts"
import type { Packet } from "./pktLine.ts"

/** Bytes of words for people that are kept. */
const wordsBytesMax = 64 * 1024

interface SideBand {
  readonly data: Buffer
  /** What the server and its hooks said, as it came. */
  readonly words: string
}

/** Takes the channels apart, up to the first flush. Throws `MalformedAnswer`; the third channel is `refused`. */
export const readSideBand = (packets: Iterable<Packet>): SideBand => {
  const data: Array<Buffer> = []
  const words: Array<Buffer> = []
  let wordsBytes = 0
  for (const one of packets) {
    if (one === "flush") break
    if (typeof one === "string") throw garbage(`a ${one} mark inside of data`)
    const content = one.subarray(1)
    if (one[0] === 1) data.push(content)
    else if (one[0] === 2) {
      if (wordsBytes < wordsBytesMax) words.push(content)
      wordsBytes += content.length
    } else if (one[0] === 3) {
      const said = Buffer.concat([...words, content]).toString("utf8")
      throw new MalformedAnswer({ kind: "refused", detail: said.trim() })
    } else throw garbage(`data on channel ${one[0]}`)
  }
  return { data: Buffer.concat(data), words: Buffer.concat(words).toString("utf8") }
}
