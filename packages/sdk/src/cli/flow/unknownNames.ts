/** A flow or a step that is not there, with the name that is near. */

/** There is no good flow of this name. */
export class UnknownFlow extends Error {
  readonly _tag = "UnknownFlow"
  override readonly name = "UnknownFlow"

  constructor(
    readonly flow: string,
    hint: string,
    readonly known: ReadonlyArray<string>
  ) {
    super(`Unknown flow: ${flow}${hint}`)
  }
}

/** The flow has no step of this name. */
export class UnknownStep extends Error {
  readonly _tag = "UnknownStep"
  override readonly name = "UnknownStep"

  constructor(
    readonly flow: string,
    readonly step: string,
    hint: string,
    readonly known: ReadonlyArray<string>
  ) {
    super(`Unknown step ${step} in flow ${flow}${hint}`)
  }
}
