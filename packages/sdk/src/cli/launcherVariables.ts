/** What the script that starts the packaged command line puts into its environment (`scripts/build/commandLine.ts`). */

/** Says that the variables below are the script's, not the caller's. */
export const launcherMark = "PATCHMOI_LAUNCHER"

/** For programs that end in a moment: code is compiled when it has run for long, and garbage is left to the end. */
export const launcherVariables: Readonly<Record<string, string>> = {
  BUN_JSC_thresholdForJITAfterWarmUp: "1000000",
  BUN_JSC_thresholdForJITSoon: "1000000",
  BUN_JSC_largeHeapSize: "33554432"
}

/** The environment as the caller gave it: no step inherits what the script put in. */
export const callerEnvironment = (
  env: Readonly<Record<string, string | undefined>>
): Readonly<Record<string, string | undefined>> => {
  if (env[launcherMark] === undefined) return env
  const own = new Set([launcherMark, ...Object.keys(launcherVariables)])
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.has(name)))
}
