/** What a cascade stands on, on this machine: git, the network, and what was written before. */
import { type DoctorProbe, layerDoctorProbe } from "@patchmoi/git/cascade/DoctorProbe"
import { type ForgeApi, layerForgeApi } from "@patchmoi/git/cascade/ForgeApi"
import * as HeadMemory from "@patchmoi/git/cascade/HeadMemory"
import type { GitUnusable } from "@patchmoi/git/Git"
import { layerGitCli } from "@patchmoi/git/GitCli"
import type { GitTransport } from "@patchmoi/git/transport/GitTransport"
import { layerTransport } from "@patchmoi/git/transport/TransportByUrl"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Everything that planning, applying and examining need. */
export type CascadeServices = GitTransport | ForgeApi | HeadMemory.HeadMemory | DoctorProbe

/** Where what was written is remembered, and where credentials are read. */
export interface LayerCascadeOptions {
  /** A folder for remembered heads; made when it is needed. (Default: nothing is remembered.) */
  readonly memory?: string | undefined
  /** The environment. (Default: that of the process.) */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
}

/** The services. `GitUnusable` where there is no git that can be used. */
export const layerCascade = (
  options: LayerCascadeOptions = {}
): Layer.Layer<CascadeServices, GitUnusable> => {
  const memory = options.memory === undefined ? HeadMemory.layerNone : HeadMemory.layerFolder(options.memory)
  const transport = Layer.provide(layerTransport(), layerGitCli())
  const services = Layer.mergeAll(transport, layerForgeApi(), layerDoctorProbe(), memory)
  return options.env === undefined
    ? services
    : Layer.provideMerge(services, Layer.setConfigProvider(providerOf(options.env)))
}

/** Runs an effect over the services, and releases them. */
export const withCascade = <A, E>(
  options: LayerCascadeOptions,
  effect: Effect.Effect<A, E, CascadeServices>
): Effect.Effect<A, E | GitUnusable> =>
  Effect.scoped(
    Effect.flatMap(Layer.build(layerCascade(options)), (services) => Effect.provide(effect, services))
  )

/** Variables as effects read them; an empty one is as good as none. */
export const providerOf = (
  env: Readonly<Record<string, string | undefined>>
): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromMap(
    new Map(
      Object.entries(env).flatMap(([name, value]) =>
        value === undefined || value === "" ? [] : [[name, value] as const]
      )
    )
  )
