/**
 * The language that messages are written in: data that says which fields a message has, in which versions, and what stands for a field that
 * a version lacks. TypeScript types are inferred from it (`MessageOf`, `InputOf`); compile.ts turns it into encoders and decoders.
 *
 * Fields stand in wire order, except that tagged ones follow the others in rising order of their tags.
 */
import { ZERO_UUID } from './reader.js'
import type { Records } from './writer.js'

export type Primitive =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

export interface FieldOptions<T = unknown> {
  /** The first and the last version that has the field; by default those of the message. */
  readonly since?: number
  readonly until?: number
  /** Stands for the field where a version lacks it or, tagged, where it is not sent. By default 0, false, '', empty, or a struct of those. */
  readonly absent?: T | null
  /** The first version in which it may be null. */
  readonly nullable?: number
  /** Sent as a tagged field of this number, from version `tagged` (by default `since`). */
  readonly tag?: number
  readonly tagged?: number
  /** Dropped, whatever it holds, where a version lacks it. Without this such a field must hold its default: anything else would be lost unseen. */
  readonly ignorable?: boolean
  /** Plain lengths even in flexible versions (the client id of the request header). */
  readonly neverFlexible?: boolean
}

/** `Out`: what a decoder gives. `In`: what an encoder takes. `Optional`: an encoder may be given none. */
export interface Field<Out = unknown, In = unknown, Optional extends boolean = boolean> extends FieldOptions {
  readonly type: Primitive | 'array' | 'struct'
  readonly of?: Field
  readonly fields?: Fields
  /** Types only; never present. */
  readonly types?: { readonly out: Out; readonly in: In; readonly optional: Optional }
}

export type Fields = Readonly<Record<string, Field>>

type Nullable<O, T> = O extends { readonly nullable: number } ? T | null : T
// Only a field that some version may lack has a value to fall back on.
type IsOptional<O> = O extends { readonly absent: unknown } | { readonly since: number } | { readonly tag: number } ? true : false
type FieldFor<O, Out, In = Out> = Field<Nullable<O, Out>, Nullable<O, In>, IsOptional<O>>

export type MessageOf<M extends { readonly fields: Fields }> = OutOf<M['fields']>
export type InputOf<M extends { readonly fields: Fields }> = InOf<M['fields']>

type OutOf<F extends Fields> = { -readonly [K in keyof F]: F[K] extends Field<infer Out, unknown, boolean> ? Out : never }
type InOf<F extends Fields> = {
  -readonly [K in keyof F as F[K] extends Field<unknown, unknown, true> ? never : K]: F[K] extends Field<unknown, infer In, boolean>
    ? In
    : never
} & {
  -readonly [K in keyof F as F[K] extends Field<unknown, unknown, true> ? K : never]?: F[K] extends Field<unknown, infer In, boolean>
    ? In | undefined
    : never
}

function primitive<T, In = T>(type: Primitive) {
  return <const O extends FieldOptions<T> = object>(options?: O): FieldFor<O, T, In> =>
    ({ type, ...options }) as unknown as FieldFor<O, T, In>
}

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
/** Exact to 2^53 - 1. */
export const int64 = primitive<number>('int64')
export const float64 = primitive<number>('float64')
/** In Kafka's text form: 22 characters of base64url. */
export const uuid = primitive<string>('uuid')
export const string = primitive<string>('string')
export const bytes = primitive<Uint8Array>('bytes')
/** Read: a view of the frame. Written: bytes, or the file regions that hold them. */
export const records = primitive<Uint8Array, Records>('records')

export function array<F extends Field, const O extends FieldOptions<never> = object>(
  of: F,
  options?: O
): F extends Field<infer Out, infer In, boolean> ? FieldFor<O, Out[], readonly In[]> : never {
  return { type: 'array', of, ...options } as never
}

/** `struct({ a: int32() })` in place, or shared under a name of its own. */
export function struct<const F extends Fields, const O extends FieldOptions<never> = object>(
  fields: F,
  options?: O
): FieldFor<O, OutOf<F>, InOf<F>> {
  return { type: 'struct', fields, ...options } as unknown as FieldFor<O, OutOf<F>, InOf<F>>
}

export interface MessageSchema<F extends Fields = Fields> {
  readonly name: string
  /** First and last version. */
  readonly versions: readonly [number, number]
  /** The first version with compact lengths and tagged fields (KIP-482); absent: none. */
  readonly flexible?: number
  /** An encoder drops what a version lacks, ignorable or not: so it is with responses, whose version the client chose. */
  readonly dropsLacking?: boolean
  readonly fields: F
}

export function message<const F extends Fields>(schema: MessageSchema<F>): MessageSchema<F> {
  return schema
}

export interface Presence {
  readonly sent: boolean
  readonly tagged: boolean
  readonly nullable: boolean
}

/** How a field stands in a version of its message. */
export function presence(field: Field, version: number): Presence {
  const sent = version >= (field.since ?? 0) && version <= (field.until ?? Infinity)
  const tagged = field.tag !== undefined && version >= (field.tagged ?? field.since ?? 0)
  return { sent, tagged, nullable: field.nullable !== undefined && version >= field.nullable }
}

/** What stands for a field that is not sent. A new object each time. */
export function defaultOf(field: Field): unknown {
  if (field.absent !== undefined) return field.absent
  switch (field.type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'array':
      return []
    case 'struct':
      return Object.fromEntries(Object.entries(field.fields!).map(([name, inner]) => [name, defaultOf(inner)]))
    case 'int8':
    case 'int16':
    case 'uint16':
    case 'int32':
    case 'uint32':
    case 'int64':
    case 'float64':
      return 0
  }
}
