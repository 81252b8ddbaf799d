// Every kernel at every shape: what there is to time.
import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import { convolution } from './convolution.ts'
import { layers } from './layers.ts'
import { normalisation } from './normalisation.ts'
import { training } from './training.ts'
import { type Family, Inputs, type Work } from './work.ts'

export const FAMILIES: readonly Family[] = [convolution, normalisation, ...layers, ...training]

export interface Case {
  op: string
  pass: string
  shape: string
  /** All three. */
  name: string
  make: (engine: Engine) => Work
}

/** Which cases; all of the networks' shapes where nothing is given. */
export interface Choice {
  op?: string
  shapes?: readonly string[]
  quick?: boolean
  /** Only names that contain one of these. */
  filter?: readonly string[]
}

/** Throws InputError for an unknown op or a shape that it cannot take. */
export function chooseCases({ op, shapes, quick = false, filter = [] }: Choice): Case[] {
  const found = FAMILIES.filter((family) => op === undefined || family.op === op)
  if (found.length === 0) throw new InputError(`--op ${op}: one of ${FAMILIES.map((family) => family.op).join(', ')}`)
  if (shapes && op === undefined) throw new InputError('--shape needs --op')
  const all = found.flatMap((family) => {
    const chosen = shapes ?? (quick ? family.quick : family.shapes)
    return chosen.flatMap((shape) => casesOf(family, shape))
  })
  return filtered(all, filter)
}

/** What has one of the texts in its name; all where there is none. */
export function filtered<T extends { name: string }>(all: readonly T[], filter: readonly string[]): T[] {
  return all.filter(({ name }) => filter.length === 0 || filter.some((part) => name.includes(part)))
}

function casesOf(family: Family, written: string): Case[] {
  const [shape, ...without] = written.split(/ !?/)
  const match = family.pattern.exec(shape)
  const sizes = match?.slice(1).map((size) => (size === undefined ? 0 : Number(size)))
  if (!sizes || match!.slice(1).some((size) => size !== undefined && Number(size) === 0)) {
    throw new InputError(`--shape ${shape}: ${family.op} takes ${family.syntax}`)
  }
  const { op } = family
  const passes = family.passes.filter((pass) => !without.includes(pass))
  return passes.map((pass) => {
    const name = `${op} ${pass} ${shape}`
    return { op, pass, shape, name, make: (engine) => family.make(new Inputs(engine), sizes, pass) }
  })
}
