/** Blocks that hold data: each is parsed by the parser of its language. */
import { parseXml } from "../../packages/sdk/src/intake/Xml.ts"
import { type Block, placeOf } from "./pages.ts"

/** Languages of data. */
export const dataLanguages: ReadonlySet<string> = new Set(["json", "jsonl", "toml", "xml"])

/** Throws where the block is not what its language says. */
export const checkData = (block: Block): void => {
  try {
    if (block.language === "json") JSON.parse(block.text)
    if (block.language === "jsonl") for (const line of block.text.trimEnd().split("\n")) JSON.parse(line)
    if (block.language === "toml") Bun.TOML.parse(block.text)
    if (block.language === "xml") checkXml(block.text)
  } catch (cause) {
    throw new Error(
      `${placeOf(block)} is no ${block.language}: ${cause instanceof Error ? cause.message : cause}`
    )
  }
}

// --- internal ---

const checkXml = (text: string): void => {
  const parsed = parseXml(new TextEncoder().encode(text))
  if (parsed._tag === "Left") throw new Error(parsed.left)
}
