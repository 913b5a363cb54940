/** The house of a few lines that the rules of the architecture are shown on. */
import type { Files } from "../../scripts/architecture/house.ts"

/** Files of a small house, with the manifests of the real packages. */
export function house(sources: Readonly<Record<string, string>>): Files {
  const exports = {
    "./internal/*": null,
    ".": { bun: "./src/index.ts" },
    "./*": { bun: "./src/*.ts" }
  }
  const manifests = ["core", "store-file", "git", "sdk"].map((room): [string, string] => [
    `packages/${room}/package.json`,
    JSON.stringify({
      name: `@patchmoi/${room}`,
      exports,
      dependencies: {
        "@patchmoi/core": "workspace:*",
        "@noble/hashes": "1.0.0",
        ...(room === "sdk" ? { "@patchmoi/git": "workspace:*" } : {})
      },
      peerDependencies: { effect: "3.0.0" }
    })
  ])
  return new Map([...manifests, ...Object.entries(sources)])
}
