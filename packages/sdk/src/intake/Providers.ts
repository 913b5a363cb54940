/** The table of providers. A new one is a file under `providers/` and a line here. */
import type { Provider } from "./Provider.ts"
import { github } from "./providers/github.ts"
import { npm } from "./providers/npm.ts"

const table: ReadonlyArray<Provider> = [github, npm]

/** Providers that sources files name and that this version cannot read yet: their message says so. */
export const plannedProviders: ReadonlyArray<string> = ["codeberg", "jojo", "gitea", "forgejo"]

/** The names of the providers of this version. */
export const providerNames: ReadonlyArray<string> = table.map((provider) => provider.name)

/** The provider with this name. */
export const findProvider = (name: string): Provider | undefined =>
  table.find((provider) => provider.name === name)
