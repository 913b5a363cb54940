/** `@patchmoi/sdk/daemon`: the watching service, for a program that runs it by itself or beside its own work. */
export * as Daemon from "./daemon/Daemon.ts"
export * as WatchService from "./intake/WatchService.ts"
