/** How the command line ends. Scripts depend on these numbers. */

/** One number per kind of end. */
export const exitCodes = {
  good: 0,
  failed: 1,
  usage: 2,
  needsAttention: 10,
  interrupted: 130
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** What each number means, for the reference. */
export const exitCodeMeanings: ReadonlyArray<readonly [ExitCode, string]> = [
  [exitCodes.good, "It went well."],
  [
    exitCodes.failed,
    "It failed: a run failed or was canceled, a file or a record cannot be used, nothing is known by that id."
  ],
  [exitCodes.usage, "The command line is wrong. Nothing was done."],
  [
    exitCodes.needsAttention,
    "A person has to look: a run is `needs_intervention` or `blocked`, or a patch conflicts."
  ],
  [
    exitCodes.interrupted,
    "It was interrupted by Ctrl-C (SIGINT) or SIGTERM. What ran was canceled and recorded as such; after a second signal it was ended, and the record still has it running. A service ends with 0 after one SIGTERM, and with 130 after Ctrl-C or a second signal."
  ]
]
