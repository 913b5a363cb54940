/** What a file may need at all, wherever it lies: what core imports, what a step loads, and how Effect is imported. */
import {
  type Files,
  type FollowedImport,
  type Module,
  packageNameOf,
  readManifests,
  type Violation
} from "./house.ts"

/** Packages that core may import, and whether the import must be behind one module, so that it can be replaced there. */
const coreNeeds: Readonly<Record<string, { readonly oneModule: boolean }>> = {
  effect: { oneModule: false },
  "@noble/hashes": { oneModule: true },
  ajv: { oneModule: true },
  "ajv-formats": { oneModule: true }
}

/** Core runs wherever JavaScript runs: no built-in of Bun or Node. Its testing kit may use `bun:test`, and nothing else. */
export const coreIsPure = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  modules.filter(isCoreSource).flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, kind }) => {
      if (kind === "builtin") {
        return specifier === "bun:test" && path.startsWith("packages/core/src/testing/")
          ? []
          : [`${path} imports ${specifier}: core uses no built-in of Bun or Node`]
      }
      if (kind !== "outside" || packageNameOf(specifier) in coreNeeds) return []
      return [`${path} imports ${specifier}: core needs only ${Object.keys(coreNeeds).join(", ")}`]
    })
  )

/** The dependencies of core other than Effect have one way in each at run time. Types are free. */
export const coreNeedsOnce = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  Object.entries(coreNeeds).flatMap(([name, { oneModule }]) => {
    const users = modules
      .filter(isCoreSource)
      .filter(({ imports }) =>
        imports.some(({ specifier, runtime }) => runtime && packageNameOf(specifier) === name)
      )
    return !oneModule || users.length < 2
      ? []
      : [
          `${name} is to be behind one module of core, but is imported by ${users.map(({ path }) => path).join(", ")}`
        ]
  })

/**
 * The step door and the module runner import nothing at run time: every step is a fresh process, and one that loads Effect
 * starts in 131 ms instead of 4. Types are free.
 */
export const stepsImportNothing = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  modules
    .filter(({ path }) => /^packages\/sdk\/src\/(?:.+\/)?(?:step|[mM]oduleRunner)\.ts$/.test(path))
    .flatMap(({ path, imports }) =>
      imports
        .filter(({ runtime }) => runtime)
        .map(({ specifier }) => `${path} imports ${specifier}: what every step loads must import nothing`)
    )

/** `from "effect"` loads all of Effect: 131 ms cold against 60 ms for the one module that is needed. */
export const noBarrelImports = (modules: ReadonlyArray<Module>): ReadonlyArray<Violation> =>
  modules.flatMap(({ path, imports }) =>
    imports.some(({ specifier }) => specifier === "effect")
      ? [`${path} imports the whole of "effect"; import the module, such as "effect/Effect"`]
      : []
  )

/** What a package's source imports is in its own package.json, or it breaks as soon as it is installed elsewhere. */
export const declaredDependencies = (
  files: Files,
  modules: ReadonlyArray<Module>
): ReadonlyArray<Violation> => {
  const manifests = new Map([...readManifests(files).values()].map((manifest) => [manifest.folder, manifest]))
  return modules.flatMap(({ path, imports }) => {
    const manifest = manifests.get(path.split("/").slice(0, 2).join("/"))
    if (manifest === undefined || !/^packages\/[^/]+\/src\//.test(path)) return []
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies, [manifest.name]: "" }
    return imports
      .filter(isPackage)
      .filter(({ specifier }) => !(packageNameOf(specifier) in declared))
      .map(
        ({ specifier }) =>
          `${path} imports ${specifier}, which ${manifest.folder}/package.json does not declare`
      )
  })
}

// --- internal ---

const isCoreSource = ({ path }: Module): boolean => path.startsWith("packages/core/src/")

const isPackage = ({ kind }: FollowedImport): boolean => kind === "outside" || kind === "workspace"

/** One sentence for each folder `internal` that a door with a star opens: such a door opens every folder beneath its own. */
export const internalIsClosed = (files: Files): ReadonlyArray<Violation> =>
  [...readManifests(files).values()].flatMap(({ folder, exports = {}, name }) => {
    const source = `${folder}/src/`
    if (exports["./*"] === undefined) return []
    const folders = [...files.keys()].flatMap((path) => {
      const found = path.startsWith(source)
        ? /^(?:.+\/)?internal(?=\/)/.exec(path.slice(source.length))
        : null
      return found === null ? [] : [found[0]]
    })
    return [...new Set(folders)]
      .filter((inner) => exports[`./${inner}/*`] !== null)
      .map((inner) => `${folder}/package.json opens ${name}/${inner}: add "./${inner}/*": null`)
  })
