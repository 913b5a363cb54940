/** The name under which the command line stands in the facts that it causes. */
export const commandLine = "command line"
