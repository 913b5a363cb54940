/** A file system in memory, as far as isomorphic-git uses one: what it fetches is gone with the value. */
import { posix } from "node:path"
import type { PromiseFsClient } from "isomorphic-git"

/** A new, empty file system. */
export const makeMemoryFs = (): PromiseFsClient => {
  const files = new Map<string, Uint8Array>()
  const folders = new Set<string>(["/"])
  const statOf = (given: string) => {
    const path = posix.resolve("/", given)
    const file = files.get(path)
    if (file === undefined && !folders.has(path)) throw failure("ENOENT", path)
    return makeStat(file)
  }
  const readFile = async (given: string, options?: unknown) => {
    const path = posix.resolve("/", given)
    const content = files.get(path)
    if (content === undefined) throw failure(folders.has(path) ? "EISDIR" : "ENOENT", path)
    return wantsText(options) ? new TextDecoder().decode(content) : content
  }
  const writeFile = async (given: string, content: string | Uint8Array) => {
    const path = posix.resolve("/", given)
    if (!folders.has(posix.dirname(path))) throw failure("ENOENT", path)
    files.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content.slice())
  }
  const readdir = async (given: string) => {
    const path = posix.resolve("/", given)
    if (!folders.has(path)) throw failure(files.has(path) ? "ENOTDIR" : "ENOENT", path)
    return [...files.keys(), ...folders]
      .filter((one) => one !== path && posix.dirname(one) === path)
      .map((one) => posix.basename(one))
  }
  const mkdir = async (given: string) => {
    const path = posix.resolve("/", given)
    if (folders.has(path) || files.has(path)) throw failure("EEXIST", path)
    if (!folders.has(posix.dirname(path))) throw failure("ENOENT", path)
    folders.add(path)
  }
  const remove = (held: { readonly delete: (path: string) => boolean }) => async (given: string) => {
    if (!held.delete(posix.resolve("/", given))) throw failure("ENOENT", given)
  }
  const stat = async (path: string) => statOf(path)
  const noLink = async (path: string) => {
    throw failure("EINVAL", path)
  }
  return {
    promises: {
      readFile,
      writeFile,
      readdir,
      mkdir,
      unlink: remove(files),
      rmdir: remove(folders),
      stat,
      lstat: stat,
      readlink: noLink,
      symlink: noLink
    }
  }
}

// --- internal ---

/** Errors as Node's file system gives them: isomorphic-git reads the code. */
const failure = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code })

const wantsText = (options: unknown): boolean =>
  options === "utf8" ||
  (typeof options === "object" && options !== null && "encoding" in options && options.encoding === "utf8")

const makeStat = (file: Uint8Array | undefined) => ({
  type: file === undefined ? "dir" : "file",
  mode: file === undefined ? 0o40755 : 0o100644,
  size: file?.byteLength ?? 0,
  ino: 0,
  mtimeMs: 0,
  ctimeMs: 0,
  uid: 0,
  gid: 0,
  dev: 0,
  isFile: () => file !== undefined,
  isDirectory: () => file === undefined,
  isSymbolicLink: () => false
})
