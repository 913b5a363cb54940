/** What the pages point to: links, headings, and files that they name. */
import { posix } from "node:path"
import { Glob } from "bun"
import type { Page } from "./pages.ts"

/** A link of a page, without those into the web. */
export interface Link {
  readonly page: string
  readonly line: number
  /** The path in the repository that the link leads to. */
  readonly target: string
  /** The heading behind `#`; the empty text where there is none. */
  readonly heading: string
}

/** The links of a page into the repository. The text of a link may run over several lines. */
export const linksOf = (page: Page): ReadonlyArray<Link> => {
  const prose = proseOf(page)
  return [...prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap(({ index, 1: address = "" }) => {
    if (/^[a-z]+:/i.test(address)) return []
    const [path = "", heading = ""] = address.split("#")
    const target = path === "" ? page.path : posix.normalize(posix.join(posix.dirname(page.path), path))
    return [{ page: page.path, line: lineAt(prose, index), target: target.replace(/\/$/, ""), heading }]
  })
}

/** One sentence for each link that leads nowhere: to no file, or to no heading of a page. */
export const deadLinks = async (root: string, pages: ReadonlyArray<Page>): Promise<ReadonlyArray<string>> => {
  const headings = new Map(pages.map((page) => [page.path, new Set(headingsOf(page))]))
  const dead: Array<string> = []
  for (const { page, line, target, heading } of pages.flatMap(linksOf)) {
    const known = headings.get(target)
    if (!(await exists(root, target))) dead.push(`${page}:${line} links to ${target}, which is not there`)
    else if (heading !== "" && known?.has(heading) === false)
      dead.push(`${page}:${line} links to #${heading}, which ${target} has not`)
  }
  return dead
}

/** One sentence for each file of the repository that a page names in code font and that is not there. `*` stands for any name. */
export const missingFiles = async (
  root: string,
  pages: ReadonlyArray<Page>
): Promise<ReadonlyArray<string>> => {
  const missing: Array<string> = []
  for (const page of pages) {
    const prose = proseOf(page)
    const named = /`((?:packages|docs|test|flows|examples|scripts|bench)\/[^`\s]+)`/g
    for (const { index, 1: path = "" } of prose.matchAll(named)) {
      if (await exists(root, path.replace(/\/$/, ""))) continue
      missing.push(`${page.path}:${lineAt(prose, index)} names ${path}, which is not there`)
    }
  }
  return missing
}

/** The pages that no chain of links from the index leads to. */
export const unreachable = (pages: ReadonlyArray<Page>, index: string): ReadonlyArray<string> => {
  const byPath = new Map(pages.map((page) => [page.path, page]))
  const reached = new Set<string>()
  const visit = (path: string): void => {
    const page = byPath.get(path)
    if (page === undefined || reached.has(path)) return
    reached.add(path)
    for (const { target } of linksOf(page)) visit(target)
  }
  visit(index)
  return pages.map(({ path }) => path).filter((path) => path.startsWith("docs/") && !reached.has(path))
}

// --- internal ---

/** The page with the lines of its fenced blocks empty. */
const proseOf = ({ text }: Page): string => {
  let fence: string | undefined
  return text
    .split("\n")
    .map((line) => {
      const mark = /^ *(`{3,}|~{3,})/.exec(line)?.[1]
      if (fence === undefined) {
        fence = mark
        return mark === undefined ? line : ""
      }
      if (line.trim() === fence) fence = undefined
      return ""
    })
    .join("\n")
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length

/** The names by which a forge links to the headings of a page. */
const headingsOf = (page: Page): ReadonlyArray<string> =>
  [...proseOf(page).matchAll(/^#{1,6} (.*)$/gm)].map(({ 1: title = "" }) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(/\s/g, "-")
  )

const exists = async (root: string, path: string): Promise<boolean> => {
  for await (const _ of new Glob(path === "" ? "README.md" : path).scan({ cwd: root, onlyFiles: false }))
    return true
  return false
}
