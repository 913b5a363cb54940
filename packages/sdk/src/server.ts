/**
 * `@patchmoi/sdk/server`: the HTTP server of a flow service. `FlowServer.make` answers requests for a program that listens
 * by itself; `serve` listens.
 */
export { type Caller, type Scope, scopes } from "./server/Caller.ts"
export * as FlowServer from "./server/FlowServer.ts"
export * from "./server/ServerOptions.ts"
export {
  AddressRefused,
  type Listening,
  portDefault,
  SecretMissing,
  type ServeOptions,
  serve
} from "./server/serve.ts"
export { makeToken, readTokens, type TokenEntry, TokensFileError, writeTokens } from "./server/Tokens.ts"
