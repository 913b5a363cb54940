/** The number in a patch's name, which orders the stack and is no part of what the patch is called. Pure. */

/** The name without the number in front of its own part: `patch/010-login` and `patch/login` are the same patch's names. */
export const withoutNumber = (name: string): string => name.replace(/(^|\/)\d+[-_.](?=[^/])/, "$1")
