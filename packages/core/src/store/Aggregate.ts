/**
 * An aggregate: what may happen to one thing, and what it is after what happened.
 *
 * 1. `decide` and `evolve` are plain, total functions: no clock, no random, no I/O. Times and ids arrive in the command.
 * 2. `decide` gives facts or a rejection; no facts means "already so".
 * 3. `evolve` never throws, whatever the order of the facts; one that makes no sense leaves the document as it is.
 * 4. The document that `evolve` makes is the view that is read: one fold serves deciding and reading.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import type { DocumentWrite } from "./Driver.ts"
import { InvalidFact, type UnknownFact } from "./Log.ts"
import { encodeSortKey, type SortPart } from "./SortKey.ts"
import { type Upcaster, upcast, upcasters } from "./Upcasters.ts"

/** Where a fact stands. */
export interface FactPlace {
  /** The key of the thing that it happened to. */
  readonly key: string
  /** When it was decided, in milliseconds since the Unix epoch. */
  readonly at: number
}

/** The parts of an aggregate that its author writes. */
export interface AggregateDefinition<
  Document,
  Fact extends { readonly _tag: string },
  Encoded,
  Command,
  Rejection
> {
  /** Names the streams (`<name>/<key>`) and the view. */
  readonly name: string
  readonly fact: Schema.Schema<Fact, Encoded>
  /**
   * Whether a fact is its own JSON: its schema does no more than add defaults when an older line is read. Such a fact is
   * written as `decide` made it, whose types are the check; `testing/AggregateLaws.ts` holds the schema to it. Default:
   * false, which encodes and checks each fact by its schema.
   */
  readonly isPlain?: boolean
  readonly decide: (
    command: Command,
    document: Document | undefined,
    key: string
  ) => Either.Either<ReadonlyArray<Fact>, Rejection>
  readonly evolve: (document: Document | undefined, fact: Fact, place: FactPlace) => Document | undefined
  /** What to list by: index name → sort prefix of a document, or undefined to leave it out. `all` is always there. */
  readonly indexes: Readonly<Record<string, (document: Document) => ReadonlyArray<SortPart> | undefined>>
}

/** An aggregate with its codecs. */
export interface Aggregate<Document, Fact extends { readonly _tag: string }, Command, Rejection> {
  readonly name: string
  decide(
    command: Command,
    document: Document | undefined,
    key: string
  ): Either.Either<ReadonlyArray<Fact>, Rejection>
  evolve(document: Document | undefined, fact: Fact, place: FactPlace): Document | undefined
  readonly indexes: Readonly<Record<string, (document: Document) => ReadonlyArray<SortPart> | undefined>>
  /** The fields of a fact as JSON. Throws `InvalidFact` for one that its schema refuses, or that is no JSON. */
  readonly encodeFact: (fact: Fact) => string
  /** The fact behind a type and its JSON, brought up to date; unknown when no schema here reads it. */
  readonly decodeFact: (type: string, data: string) => Fact | UnknownFact
}

/**
 * Any aggregate, where its types are beside the point: a registry, a rebuild. Method syntax makes it bivariant,
 * so that every aggregate is one; whoever holds it must feed it only what the same aggregate made.
 */
export interface AnyAggregate {
  readonly name: string
  readonly indexes: Readonly<Record<string, (document: never) => ReadonlyArray<SortPart> | undefined>>
  decodeFact(type: string, data: string): { readonly _tag: string }
  evolve(document: unknown, fact: unknown, place: FactPlace): unknown
}

/** The document as a driver keeps it, with its places in the indexes. */
export const documentWrite = (
  aggregate: AnyAggregate,
  key: string,
  version: number,
  document: unknown
): DocumentWrite => {
  const indexes: Record<string, string> = {}
  if (document !== undefined) {
    for (const [name, sortPrefix] of Object.entries(aggregate.indexes)) {
      const parts = sortPrefix(document as never)
      if (parts !== undefined) indexes[name] = encodeSortKey(parts)
    }
  }
  return {
    view: aggregate.name,
    key,
    stream: streamOf(aggregate, key),
    version,
    value: document === undefined ? undefined : JSON.stringify(document),
    indexes
  }
}

/** The stream of one thing. */
export const streamOf = (aggregate: { readonly name: string }, key: string): string =>
  `${aggregate.name}/${key}`

/** The aggregate and the key that a stream belongs to. */
export const splitStream = (stream: string): { readonly name: string; readonly key: string } => {
  const slash = stream.indexOf("/")
  return { name: stream.slice(0, slash), key: stream.slice(slash + 1) }
}

/** Gives an aggregate its codecs. */
export const make = <Document, Fact extends { readonly _tag: string }, Encoded, Command, Rejection>(
  definition: AggregateDefinition<Document, Fact, Encoded, Command, Rejection>,
  table: Readonly<Record<string, Upcaster>> = upcasters
): Aggregate<Document, Fact, Command, Rejection> => {
  const codecOf = codecsByTag(definition.fact)
  return {
    name: definition.name,
    decide: definition.decide,
    evolve: definition.evolve,
    indexes: { all: () => [], ...definition.indexes },
    encodeFact: (fact) => {
      const { _tag: type } = fact
      if (definition.isPlain === true) return toJson(type, fact)
      const encoded = codecOf(type).encode(fact)
      if (Either.isRight(encoded)) return toJson(type, encoded.right)
      throw new InvalidFact({ type, reason: ParseResult.TreeFormatter.formatErrorSync(encoded.left) })
    },
    decodeFact: (type, data) => {
      const fields = parse(data)
      const current = upcast(type, fields, table)
      return Either.getOrElse(
        codecOf(current.type).decode({ ...asRecord(current.data), _tag: current.type }),
        (): UnknownFact => ({ _tag: "UnknownFact", type, data: fields })
      )
    }
  }
}

// --- internal ---

interface Codec<Fact, Encoded> {
  readonly encode: (fact: Fact) => Either.Either<Encoded, ParseResult.ParseError>
  readonly decode: (fields: unknown) => Either.Either<Fact, ParseResult.ParseError>
}

/**
 * The codec of each type of fact, compiled when it is first asked for: a process that writes two types of fact does not
 * pay for the others. A type that the schema does not name has the codec of the whole schema, which refuses it.
 */
const codecsByTag = <Fact extends { readonly _tag: string }, Encoded>(
  schema: Schema.Schema<Fact, Encoded>
): ((tag: string) => Codec<Fact, Encoded>) => {
  const members = new Map<string, AST.AST>()
  for (const member of AST.isUnion(schema.ast) ? schema.ast.types : [schema.ast]) {
    const tag = tagOf(member)
    if (tag !== undefined) members.set(tag, member)
  }
  const codecs = new Map<string, Codec<Fact, Encoded>>()
  const compile = (ast: AST.AST): Codec<Fact, Encoded> => {
    const member = Schema.make<Fact, Encoded, never>(ast)
    return { encode: Schema.encodeEither(member), decode: Schema.decodeUnknownEither(member) }
  }
  return (tag) => {
    const member = members.get(tag)
    const key = member === undefined ? "" : tag
    const known = codecs.get(key)
    if (known !== undefined) return known
    const codec = compile(member ?? schema.ast)
    codecs.set(key, codec)
    return codec
  }
}

/** The literal at `_tag`, where there is one. */
const tagOf = (member: AST.AST): string | undefined => {
  const fields = AST.isTransformation(member) ? member.to : member
  if (!AST.isTypeLiteral(fields)) return undefined
  const type = fields.propertySignatures.find(({ name }) => name === "_tag")?.type
  return type !== undefined && AST.isLiteral(type) && typeof type.literal === "string"
    ? type.literal
    : undefined
}

/** The type has a place of its own beside the fields. */
const toJson = (type: string, fields: unknown): string => {
  try {
    return JSON.stringify({ ...asRecord(fields), _tag: undefined })
  } catch (cause) {
    throw new InvalidFact({ type, reason: String(cause) })
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const asRecord = (value: unknown): object => (typeof value === "object" && value !== null ? value : {})
