/** The size that a cascade is made for: fifty repositories, 60 ms away, in ten of which somebody else is faster. */
import { expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { cascade, configFor, layerWorld, makeWorld, statuses } from "./world.ts"

const file = ".runtime-version"

it.live(
  "fifty targets, ten of them raced: each has the version by one commit, and nobody's commit is lost",
  () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const names = Array.from({ length: 50 }, (_, at) => `target-${String(at).padStart(2, "0")}`)
      const targets = yield* Effect.forEach(names, (name) =>
        downstream(name, { [file]: "1.0.0\n", "src/a.ts": "a" })
      )
      const raced = targets.filter((_, at) => at % 5 === 0)
      for (const target of raced) {
        let isFirst = true
        server.faultsOf.set(`${target.name}.git`, {
          beforePush: async () => {
            if (!isFirst) return
            isFirst = false
            await Effect.runPromise(target.person("faster", { "src/a.ts": "faster" }))
          }
        })
      }
      server.faults.latencyMillis = 60
      const config = configFor(
        targets.map(({ url }) => url),
        "timeout_ms = 60000\nattempts = 3\n"
      )
      const report = yield* cascade({ config, version: "1.1.0" })
      expect(statuses(report)).toEqual(Object.fromEntries(names.map((name) => [name, "written"])))
      const ours = "chore: pin runtime to 1.1.0 (runtime cascade)"
      for (const target of targets) {
        expect(yield* target.read(file)).toBe("1.1.0")
        const between = raced.includes(target) ? ["faster"] : []
        expect(yield* target.subjects()).toEqual([ours, ...between, "begin"])
      }
      expect(raced).toHaveLength(10)
      expect(report.outcomes.filter(({ tries }) => tries.length === 2)).toHaveLength(10)

      const before = server.log.length
      const again = yield* cascade({ config, version: "1.1.0" })
      expect(new Set(Object.values(statuses(again)))).toEqual(new Set(["up-to-date"]))
      expect(server.log.slice(before).some(({ service }) => service === "git-receive-pack")).toBe(false)
    }).pipe(Effect.provide(layerWorld)),
  60_000
)
