/** What the server counts of itself, and the text of `GET /metrics` (OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/). */
import type { FlowStats } from "../FlowStats.ts"

/** Upper bounds of the histogram of answer times, in seconds. */
const latencySeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

interface Latency {
  readonly buckets: Array<number>
  count: number
  sumSeconds: number
}

/** Counters of one server, since it was started. */
export class Metrics {
  readonly #requests = new Map<string, number>()
  readonly #latency = new Map<string, Latency>()
  readonly #events = { accepted: 0, duplicate: 0 }
  readonly #ended = { completed: 0, failed: 0, canceled: 0 }
  #attemptsLost = 0
  #writesRefused = 0
  #streams = 0

  /** An answer was given. `route` is a name of ours, never a path of the caller's. */
  answered(route: string, method: string, status: number, seconds: number): void {
    const key = `route="${route}",method="${method}",status="${status}"`
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1)
    let latency = this.#latency.get(route)
    if (latency === undefined) {
      latency = { buckets: latencySeconds.map(() => 0), count: 0, sumSeconds: 0 }
      this.#latency.set(route, latency)
    }
    latency.count += 1
    latency.sumSeconds += seconds
    const place = latencySeconds.findIndex((bound) => seconds <= bound)
    if (place !== -1) latency.buckets[place] = (latency.buckets[place] ?? 0) + 1
  }

  /** An event was taken in, or was known. */
  dispatched(status: "accepted" | "duplicate"): void {
    this.#events[status] += 1
  }

  /** A fact was recorded: its type and its fields as JSON, as they are in the log. */
  recorded(type: string, data: string): void {
    if (type === "LateWriteRefused") this.#writesRefused += 1
    if (type === "AttemptEnded" && data.includes('"_tag":"Lost"')) this.#attemptsLost += 1
    if (type !== "RunEnded") return
    const status = /"processStatus":"(completed|failed|canceled)"/.exec(data)?.[1]
    if (status === "completed" || status === "failed" || status === "canceled") this.#ended[status] += 1
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#streams
  }
  streamOpened(): void {
    this.#streams += 1
  }
  streamClosed(): void {
    this.#streams -= 1
  }

  /** The text of the metrics. */
  render(options: {
    /** Absent while the store cannot tell. */
    readonly stats: FlowStats | undefined
    readonly residentBytes: number
    readonly startedAtSeconds: number
    readonly version: string
  }): string {
    const { stats, residentBytes, startedAtSeconds, version } = options
    const lines = [
      ...family("patchmoi_build", "info", "What serves.", [`_info{version="${version}"} 1`]),
      ...family("patchmoi_events", "counter", "Events dispatched over HTTP since the start.", [
        `_total{status="accepted"} ${this.#events.accepted}`,
        `_total{status="duplicate"} ${this.#events.duplicate}`
      ]),
      ...(stats === undefined ? [] : storeFamilies(stats)),
      ...family(
        "patchmoi_runs_ended",
        "counter",
        "Runs that ended since the start, by process status.",
        Object.entries(this.#ended).map(([status, count]) => `_total{status="${status}"} ${count}`)
      ),
      ...family("patchmoi_attempts_lost", "counter", "Attempts whose worker was gone, since the start.", [
        `_total ${this.#attemptsLost}`
      ]),
      ...family(
        "patchmoi_late_writes_refused",
        "counter",
        "Writes of workers without a lease, since the start.",
        [`_total ${this.#writesRefused}`]
      ),
      ...family(
        "patchmoi_http_requests",
        "counter",
        "Answers by route, method and status.",
        [...this.#requests].map(([labels, count]) => `_total{${labels}} ${count}`)
      ),
      ...family(
        "patchmoi_http_request_duration_seconds",
        "histogram",
        "Time until an answer began.",
        [...this.#latency].flatMap(([route, latency]) => histogram(route, latency)),
        "seconds"
      ),
      ...family("patchmoi_http_streams", "gauge", "Open streams.", [` ${this.#streams}`]),
      ...family("process_resident_memory_bytes", "gauge", "Resident memory.", [` ${residentBytes}`], "bytes"),
      ...family(
        "process_start_time_seconds",
        "gauge",
        "When the server was started, since the Unix epoch.",
        [` ${startedAtSeconds}`],
        "seconds"
      ),
      "# EOF"
    ]
    return `${lines.join("\n")}\n`
  }
}

// --- internal ---

const family = (
  name: string,
  type: string,
  help: string,
  samples: ReadonlyArray<string>,
  unit?: string
): ReadonlyArray<string> => [
  `# TYPE ${name} ${type}`,
  ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
  `# HELP ${name} ${help}`,
  ...samples.map((sample) => `${name}${sample}`)
]

const storeFamilies = ({ runs, position }: FlowStats): ReadonlyArray<string> => [
  ...family(
    "patchmoi_runs",
    "gauge",
    "Runs in the store by process status.",
    Object.entries(runs).map(([status, count]) => `{status="${status}"} ${count}`)
  ),
  ...family("patchmoi_queue_depth", "gauge", "Runs that wait for an attempt.", [` ${runs.queued}`]),
  ...family("patchmoi_log_position", "gauge", "Position of the last change.", [` ${position}`])
]

const histogram = (route: string, { buckets, count, sumSeconds }: Latency): ReadonlyArray<string> => {
  let below = 0
  const bounded = latencySeconds.map((bound, place) => {
    below += buckets[place] ?? 0
    return `_bucket{route="${route}",le="${bound}"} ${below}`
  })
  return [
    ...bounded,
    `_bucket{route="${route}",le="+Inf"} ${count}`,
    `_count{route="${route}"} ${count}`,
    `_sum{route="${route}"} ${sumSeconds}`
  ]
}
