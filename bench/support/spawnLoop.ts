/**
 * A bare loop that runs a step's script so many times at a concurrency, as a process of its own: what executing costs with no
 * record at all. Arguments: `<script> <times> <concurrency>`. Prints how long it took, in milliseconds.
 */
const [script = "", times = "0", concurrency = "1"] = process.argv.slice(2)
const event = { id: "bench", type: "bench.trivial", payload: {} }
const stdin = JSON.stringify({ flow: { event } })
let started = 0

const worker = async (): Promise<void> => {
  while (started++ < Number(times)) {
    const child = Bun.spawn([process.execPath, script], {
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "ignore"
    })
    const [printed, code] = await Promise.all([child.stdout.text(), child.exited])
    if (code !== 0 || !printed.includes("FLOW_RESULT "))
      throw new Error(`The step ended with ${code}: ${printed}`)
  }
}

const startedAt = performance.now()
await Promise.all(Array.from({ length: Number(concurrency) }, worker))
console.log(performance.now() - startedAt)

export {}
