/** Checks of the options of clients: options come from programs without types too. For a browser as well. */
import { nearest } from "@patchmoi/core/nearest"
import { InvalidOptions } from "./errors.ts"

/** What an option must be. */
export interface OptionCheck {
  readonly expected: string
  readonly fits: (value: unknown) => boolean
}

/** Throws `InvalidOptions` for the first option that has no check: a typo must not be passed over. */
export const refuseUnknown = (given: object, checks: Readonly<Record<string, OptionCheck>>): void => {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(checks, name)) continue
    const meant = nearest(name, Object.keys(checks))
    throw new InvalidOptions(
      `Unknown option "${name}"${meant === undefined ? "" : `; did you mean ${meant}?`}`,
      { field: name }
    )
  }
}

/** Whether a value is an object whose fields can be looked at: no list, and not null. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a value is a text that is not empty; blanks are something. */
export const isText = (value: unknown): boolean => typeof value === "string" && value !== ""
