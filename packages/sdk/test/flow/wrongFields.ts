/** Every way in which a field of a manifest can be wrong. */

/** Field, TOML lines that make it wrong, what is expected, what was found. `at` says which table the lines belong to. */
export const wrongFields: ReadonlyArray<{
  readonly field: string
  readonly at: "top" | "step" | "trigger" | "retry"
  readonly toml: string
  readonly expected: string
  readonly found: string
}> = [
  { field: "name", at: "top", toml: "", expected: "a text that is not blank", found: "nothing" },
  { field: "name", at: "top", toml: 'name = "  "', expected: "a text that is not blank", found: '"  "' },
  { field: "name", at: "top", toml: "name = 7", expected: "a text that is not blank", found: "7" },
  {
    field: "name",
    at: "top",
    toml: `name = "${"x".repeat(257)}"`,
    expected: "at most 256",
    found: `"${"x".repeat(80)}…"`
  },
  { field: "version", at: "top", toml: "", expected: "a finite number", found: "nothing" },
  { field: "version", at: "top", toml: 'version = "1"', expected: "a finite number", found: '"1"' },
  { field: "version", at: "top", toml: "version = inf", expected: "a finite number", found: "Infinity" },
  { field: "version", at: "top", toml: "version = nan", expected: "a finite number", found: "NaN" },
  { field: "description", at: "top", toml: "description = false", expected: "a text", found: "false" },
  { field: "config", at: "top", toml: "config = []", expected: "a table", found: "an empty list" },
  {
    field: "config.a.b[1]",
    at: "top",
    toml: "config = { a = { b = [1, inf] } }",
    expected: "a finite number",
    found: "Infinity"
  },
  { field: "guidance", at: "top", toml: "guidance = 2026-11-20", expected: "a table", found: "a date" },
  {
    field: "guidance.skills",
    at: "top",
    toml: 'guidance = { skills = "git" }',
    expected: "a list",
    found: '"git"'
  },
  {
    field: "steps[0].name",
    at: "step",
    toml: "name = 1.5",
    expected: "a text that is not blank",
    found: "1.5"
  },
  {
    field: "steps[0].runner",
    at: "step",
    toml: 'runner = "node"',
    expected: 'one of "bun", "code-mode"',
    found: '"node"'
  },
  { field: "steps[0].runner", at: "step", toml: "", expected: 'one of "bun", "code-mode"', found: "nothing" },
  { field: "steps[0].script", at: "step", toml: "", expected: "a text that is not blank", found: "nothing" },
  {
    field: "steps[0].script",
    at: "step",
    toml: "script = {}",
    expected: "a text that is not blank",
    found: "a table"
  },
  { field: "steps[0].cwd", at: "step", toml: 'cwd = ""', expected: "a text that is not blank", found: '""' },
  {
    field: "steps[0].timeout_ms",
    at: "step",
    toml: "timeout_ms = 0",
    expected: "an integer from 1 to 86400000 (24 hours)",
    found: "0"
  },
  {
    field: "steps[0].timeout_ms",
    at: "step",
    toml: "timeout_ms = 86400001",
    expected: "an integer from 1 to 86400000",
    found: "86400001"
  },
  {
    field: "steps[0].timeout_ms",
    at: "step",
    toml: "timeout_ms = 1.5",
    expected: "an integer",
    found: "1.5"
  },
  {
    field: "steps[0].timeout_ms",
    at: "step",
    toml: 'timeout_ms = "5m"',
    expected: "an integer",
    found: '"5m"'
  },
  {
    field: "steps[0].max_output_bytes",
    at: "step",
    toml: "max_output_bytes = 67108865",
    expected: "an integer from 1 to 67108864",
    found: "67108865"
  },
  {
    field: "steps[0].priority",
    at: "step",
    toml: "priority = 1001",
    expected: "an integer from -1000 to 1000",
    found: "1001"
  },
  {
    field: "steps[0].concurrency",
    at: "step",
    toml: "concurrency = 0",
    expected: "an integer from 1 to 1000",
    found: "0"
  },
  {
    field: "steps[0].concurrency_key",
    at: "step",
    toml: 'concurrency_key = "payload/repo"',
    expected: "a JSON pointer (RFC 6901)",
    found: '"payload/repo"'
  },
  {
    field: "steps[0].concurrency_key",
    at: "step",
    toml: 'concurrency_key = "/a~2"',
    expected: "a JSON pointer (RFC 6901)",
    found: '"/a~2"'
  },
  {
    field: "steps[0].env",
    at: "step",
    toml: 'env = "PATH"',
    expected: "a list of at most 100 names",
    found: '"PATH"'
  },
  {
    field: "steps[0].env[1]",
    at: "step",
    toml: 'env = ["A", "B=1"]',
    expected: "the name of an environment variable",
    found: '"B=1"'
  },
  {
    field: "steps[0].env[0]",
    at: "step",
    toml: 'env = ["9A"]',
    expected: "the name of an environment variable",
    found: '"9A"'
  },
  { field: "steps[0].trigger", at: "step", toml: 'trigger = "x"', expected: "a table", found: '"x"' },
  { field: "steps[0].retry", at: "step", toml: "retry = 3", expected: "a table", found: "3" },
  {
    field: "steps[0].trigger.type",
    at: "trigger",
    toml: "",
    expected: "a text that is not blank",
    found: "nothing"
  },
  {
    field: "steps[0].trigger.type",
    at: "trigger",
    toml: 'type = ""',
    expected: "a text that is not blank",
    found: '""'
  },
  {
    field: "steps[0].trigger.schema",
    at: "trigger",
    toml: 'type = "a"\nschema = true',
    expected: "a text that is not blank",
    found: "true"
  },
  {
    field: "steps[0].retry.max_attempts",
    at: "retry",
    toml: "max_attempts = 101",
    expected: "an integer from 1 to 100",
    found: "101"
  },
  {
    field: "steps[0].retry.backoff_ms",
    at: "retry",
    toml: "backoff_ms = -1",
    expected: "an integer from 0 to 3600000 (1 hour)",
    found: "-1"
  },
  {
    field: "steps[0].retry.on",
    at: "retry",
    toml: 'on = "lost"',
    expected: 'a list of at most 100 of "failed", "timeout", "lost"',
    found: '"lost"'
  },
  {
    field: "steps[0].retry.on[0]",
    at: "retry",
    toml: 'on = ["crashed"]',
    expected: 'one of "failed", "timeout", "lost"',
    found: '"crashed"'
  }
]
