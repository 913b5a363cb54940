import { expect, test } from "bun:test"
import { MemoryTables } from "../../src/store/MemoryTables.ts"
import { encodeSortKey } from "../../src/store/SortKey.ts"

const fact = (stream: string, version: number) => ({ stream, version, at: 0, type: "Happened", data: "{}" })

const filled = (): MemoryTables => {
  const tables = new MemoryTables()
  for (const [index, status] of ["a", "b", "a", "ab", "a"].entries()) {
    const key = `k${index}`
    tables.addFacts([fact(`thing/${key}`, 1)], index + 1)
    tables.putDocument({
      view: "thing",
      key,
      stream: `thing/${key}`,
      version: 1,
      value: JSON.stringify({ key, status }),
      indexes: { all: "", byStatus: encodeSortKey([status]) }
    })
  }
  return tables
}

const keys = (
  tables: MemoryTables,
  status: string,
  order: "ascending" | "descending",
  limit = 10,
  after?: string
) =>
  tables
    .list({
      view: "thing",
      index: "byStatus",
      prefix: encodeSortKey([status]),
      order,
      limit,
      ...(after === undefined ? {} : { after })
    })
    .map(({ key }) => key)

test("a prefix is a whole component: a does not list ab", () => {
  expect(keys(filled(), "a", "ascending")).toEqual(["k0", "k2", "k4"])
  expect(keys(filled(), "a", "descending")).toEqual(["k4", "k2", "k0"])
  expect(keys(filled(), "ab", "descending")).toEqual(["k3"])
})

test("a page goes on after the sort key of the page before", () => {
  const tables = filled()
  const [first] = tables.list({
    view: "thing",
    index: "byStatus",
    prefix: encodeSortKey(["a"]),
    order: "descending",
    limit: 1
  })
  expect(keys(tables, "a", "descending", 10, first?.sort)).toEqual(["k2", "k0"])
})

test("a document that changes moves in its indexes and keeps its place of insertion", () => {
  const tables = filled()
  tables.addFacts([fact("thing/k0", 2)], 6)
  tables.putDocument({
    view: "thing",
    key: "k0",
    stream: "thing/k0",
    version: 2,
    value: "{}",
    indexes: { all: "", byStatus: encodeSortKey(["b"]) }
  })
  expect(keys(tables, "a", "ascending")).toEqual(["k2", "k4"])
  expect(keys(tables, "b", "ascending")).toEqual(["k0", "k1"])
})

test("a stream that is not at the expected version is the conflict", () => {
  const conflict = filled().conflict([
    { stream: "thing/k1", version: 1 },
    { stream: "thing/none", version: 3 }
  ])
  expect(conflict).toMatchObject({ stream: "thing/none", expected: 3, actual: 0 })
})
