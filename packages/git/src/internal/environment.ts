/**
 * The environment of child processes, built from lists of allowed names.
 *
 * Nothing that is not listed passes: a caller that itself runs under git (a hook, an alias) must not lead git into
 * another repository by `GIT_DIR`, and secrets in the caller's environment stay there.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** What any program needs. */
export const basicNames = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TMPDIR",
  "XDG_CONFIG_HOME",
  "XDG_CACHE_HOME"
]

/** What git, its transports and its credential helpers need besides. */
export const gitNames = [
  "XDG_RUNTIME_DIR",
  "DBUS_SESSION_BUS_ADDRESS",
  "SSH_AUTH_SOCK",
  "SSH_AGENT_PID",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "http_proxy",
  "https_proxy",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "NO_PROXY",
  "no_proxy",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_SSH",
  "GIT_SSH_COMMAND",
  "GIT_ASKPASS",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH"
]

/** The named variables that are set, read through the current `ConfigProvider`. */
export const inheritEnvironment = (
  names: ReadonlyArray<string>
): Effect.Effect<Readonly<Record<string, string>>> =>
  Effect.forEach(names, (name) =>
    Config.string(name).pipe(
      Effect.option,
      Effect.map(
        (value): ReadonlyArray<readonly [string, string]> =>
          Option.isSome(value) ? [[name, value.value]] : []
      )
    )
  ).pipe(Effect.map((found) => Object.fromEntries(found.flat())))
