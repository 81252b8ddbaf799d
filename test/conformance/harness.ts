// Runs one case: the adapter of its operator computes the outputs with our functions, the harness reads and compares
// them.
import { backward } from '../../src/autograd.ts'
import { InputError } from '../../src/errors.ts'
import { type DType, type Layout, type Shape, sameShape, showShape, Tensor } from '../../src/tensor.ts'
import { engine } from '../device.ts'
import { type Case, type CaseTensor, distance, type Expected } from './cases.ts'

/** Outputs by name: tensors of ours, or the numbers that a function on the host returns. */
export type Results = Record<string, Tensor | ArrayLike<number>>
export type Adapter = (c: Case) => Results | Promise<Results>
export type Adapters = Record<string, Adapter>

/** `optional`: NaN or infinities, of which WGSL promises nothing, came out differently. */
export type Status = 'passed' | 'refused' | 'optional' | 'failed'

export interface Outcome {
  case: Case
  status: Status
  /** What went wrong, why it was refused, or what there is to know of a case that passed. */
  message: string
  /** How far each output was off, in units of its tolerance; empty where the case was refused. */
  distances: { output: string; distance: number }[]
}

const notes = new Map<Case, string>()

/** What a reader of the report has to know of a case that passed. */
export function note(c: Case, text: string): void {
  notes.set(c, text)
}

const OPTIONAL = ['nonfinite', 'minus-inf']

export async function run(c: Case, adapters: Adapters): Promise<Outcome> {
  const outcome = (status: Status, message: string, distances: Outcome['distances'] = []): Outcome => {
    return { case: c, status, message, distances }
  }
  try {
    const adapter = adapters[c.op]
    if (!adapter) throw new InputError(`${c.op}: not an operator of ours`)
    const results = await adapter(c)
    const checks = await Promise.all(c.outputs.map((want) => check(results[want.name], want)))
    const bad = checks.filter(({ distance }) => !(distance <= 1)).map(({ message }) => message)
    if (bad.length === 0) return outcome('passed', notes.get(c) ?? '', checks)
    return outcome(c.tags.some((tag) => OPTIONAL.includes(tag)) ? 'optional' : 'failed', bad.join('; '), checks)
  } catch (error) {
    if (error instanceof InputError) return outcome('refused', error.message)
    return outcome('failed', error instanceof Error ? `${error.stack}` : String(error))
  }
}

async function check(got: Results[string] | undefined, want: Expected) {
  const output = want.name
  const far = (what: string) => ({ output, distance: Number.POSITIVE_INFINITY, message: `${output} ${what}` })
  if (got === undefined) return far('did not come out')
  if (got instanceof Tensor && !sameShape(got.shape, want.shape)) {
    return far(`has shape ${showShape(got.shape)}, expected ${showShape(want.shape)}`)
  }
  const values = got instanceof Tensor ? await got.read() : got
  const ratio = distance(values, want)
  const first = (list: ArrayLike<number>) =>
    Array.from({ length: Math.min(4, list.length) }, (_, i) => list[i]).join(', ')
  const message = `${output} is off by ${ratio.toFixed(2)} x tolerance: ${first(values)} …, expected ${first(want.values)} …`
  return { output, distance: ratio, message }
}

/** An attribute that our functions do not have. */
export function refuse(op: string, what: string, value: unknown): never {
  throw new InputError(`${op}: ${what} ${JSON.stringify(value)} is outside our API`)
}

export function input(c: Case, name: string): CaseTensor {
  const found = c.inputs.find((t) => t.name === name)
  if (!found) throw new Error(`${c.op} ${c.name} has no input '${name}'`)
  return found
}

export interface LeafOptions {
  layout?: Layout
  dtype?: DType
  requiresGrad?: boolean
}

/** A case's tensor on the device: floats as f32, everything else as i32 where nothing else is asked for. */
export function upload({ values, shape, dtype, name }: CaseTensor, options: LeafOptions = {}): Tensor {
  const type = dtype === 'float32' || dtype === 'float64' ? 'f32' : 'i32'
  return engine.tensor(values, shape, { dtype: type, ...options, label: name })
}

export function zeros(shape: Shape, options: LeafOptions = {}): Tensor {
  return engine.zeros(shape, options)
}

/** Rank-4 tensors as networks hold them. */
export const batchInnermost = (t: CaseTensor): LeafOptions => ({ layout: t.shape.length === 4 ? 'chwn' : 'row' })

/**
 * y = f of the named inputs, and grad_<name> of sum(y · grad_y) for each. Inputs that the case lacks come as null.
 * `layouts` says how each input lies; row-major where it says nothing.
 */
export function differentiate(
  c: Case,
  names: readonly string[],
  f: (...inputs: Tensor[]) => Tensor,
  layouts: (t: CaseTensor) => LeafOptions = () => ({}),
): Results {
  const leaves = names.map((name) => {
    const found = c.inputs.find((t) => t.name === name)
    return found ? upload(found, { ...layouts(found), requiresGrad: true }) : null
  })
  const y = f(...(leaves as Tensor[]))
  backward(y, upload(input(c, 'grad_y'), { layout: y.layout }))
  const gradients = names.flatMap((name, i) => (leaves[i]?.grad ? [[`grad_${name}`, leaves[i].grad] as const] : []))
  return { y, ...Object.fromEntries(gradients) }
}
