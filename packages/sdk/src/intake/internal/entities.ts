/** Decodes character and entity references, once: what comes out is not looked at again. */

/**
 * The text with numeric references, the five of XML and the common ones of HTML replaced. An unknown name
 * stays as it is written; a number that is no character becomes U+FFFD. Never throws, never grows the text.
 */
export const decodeEntities = (text: string): string =>
  text.includes("&")
    ? text.replace(/&(?:#(\d{1,10})|#[xX]([0-9a-fA-F]{1,8})|([A-Za-z][A-Za-z0-9]{1,31}));/g, replaceOne)
    : text

// --- internal ---

const replaceOne = (whole: string, decimal?: string, hex?: string, name?: string): string => {
  if (decimal !== undefined) return character(Number.parseInt(decimal, 10))
  if (hex !== undefined) return character(Number.parseInt(hex, 16))
  return name === undefined ? whole : (named.get(name) ?? whole)
}

const character = (code: number): string => {
  const surrogate = code >= 0xd800 && code <= 0xdfff
  const control = code < 0x20 && code !== 0x9 && code !== 0xa && code !== 0xd
  return surrogate || control || code > 0x10ffff ? "\uFFFD" : String.fromCodePoint(code)
}

/** XML's own five, and those of HTML that titles and names carry in practice. https://html.spec.whatwg.org/entities.json */
const named: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["nbsp", "\u00A0"],
  ["iexcl", "¡"],
  ["cent", "¢"],
  ["pound", "£"],
  ["yen", "¥"],
  ["sect", "§"],
  ["copy", "©"],
  ["laquo", "«"],
  ["reg", "®"],
  ["deg", "°"],
  ["plusmn", "±"],
  ["micro", "µ"],
  ["para", "¶"],
  ["middot", "·"],
  ["raquo", "»"],
  ["frac12", "½"],
  ["iquest", "¿"],
  ["Agrave", "À"],
  ["Aacute", "Á"],
  ["Auml", "Ä"],
  ["Aring", "Å"],
  ["AElig", "Æ"],
  ["Ccedil", "Ç"],
  ["Eacute", "É"],
  ["Ntilde", "Ñ"],
  ["Oslash", "Ø"],
  ["Ouml", "Ö"],
  ["times", "×"],
  ["Uuml", "Ü"],
  ["szlig", "ß"],
  ["agrave", "à"],
  ["aacute", "á"],
  ["acirc", "â"],
  ["auml", "ä"],
  ["aring", "å"],
  ["aelig", "æ"],
  ["ccedil", "ç"],
  ["egrave", "è"],
  ["eacute", "é"],
  ["ecirc", "ê"],
  ["iacute", "í"],
  ["ntilde", "ñ"],
  ["oacute", "ó"],
  ["ocirc", "ô"],
  ["ouml", "ö"],
  ["oslash", "ø"],
  ["uacute", "ú"],
  ["uuml", "ü"],
  ["ndash", "–"],
  ["mdash", "—"],
  ["lsquo", "‘"],
  ["rsquo", "’"],
  ["sbquo", "‚"],
  ["ldquo", "“"],
  ["rdquo", "”"],
  ["bdquo", "„"],
  ["bull", "•"],
  ["hellip", "…"],
  ["prime", "′"],
  ["lsaquo", "‹"],
  ["rsaquo", "›"],
  ["euro", "€"],
  ["trade", "™"],
  ["larr", "←"],
  ["uarr", "↑"],
  ["rarr", "→"],
  ["darr", "↓"],
  ["ne", "≠"],
  ["le", "≤"],
  ["ge", "≥"]
])
