/** The address of a repository over HTTP, checked once, and where a redirect may lead. */
import * as Either from "effect/Either"
import { redactUrls } from "../Git.ts"
import type { TransportTarget } from "./GitTransport.ts"
import { UnusableUrl } from "./TransportError.ts"

/** The parts of git's HTTP protocol that are used. */
export type Service = "git-upload-pack" | "git-receive-pack"

/** Tells whether the address is one for HTTP. */
export const isHttp = (url: string): boolean => /^https?:\/\//i.test(url)

/** The address without a slash at the end. `UnusableUrl` for one with a password, a query, or none at all. */
export const parseHttpUrl = (target: TransportTarget): Either.Either<URL, UnusableUrl> => {
  const refuse = (reason: string) =>
    Either.left(new UnusableUrl({ url: redactUrls(target.url).slice(0, 2_000), reason }))
  const url = URL.parse(target.url)
  if (url === null || !isHttp(target.url)) return refuse("it is no http(s) address")
  if (url.username !== "" || url.password !== "")
    return refuse("it holds a user name or a password; give the credentials by the environment instead")
  if (url.search !== "" || url.hash !== "") return refuse("it has a query or a fragment")
  url.pathname = url.pathname.replace(/\/+$/, "")
  return Either.right(url)
}

/** Where the redirect leads, or why it is not followed. */
export const redirectOf = (given: {
  readonly from: URL
  readonly location: string | null
  readonly withCredentials: boolean
}): Either.Either<URL, string> => {
  const to = given.location === null ? null : URL.parse(given.location, given.from.href)
  if (to === null) return Either.left("it redirects to no address")
  if (to.protocol !== "https:" && to.protocol !== given.from.protocol)
    return Either.left(`it redirects to ${to.protocol}`)
  if (to.username !== "" || to.password !== "")
    return Either.left("it redirects to an address with a password")
  if (to.origin !== given.from.origin && given.withCredentials)
    return Either.left(
      `it redirects to ${to.origin}, which is not to see these credentials; change the address`
    )
  return Either.right(to)
}
