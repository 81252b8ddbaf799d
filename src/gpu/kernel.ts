// A WGSL file becomes callables: one per entry point, tensors and parameters passed by the names the file gives them.
import { InputError, ShaderError } from '../errors.ts'
import type { Gpu } from './gpu.ts'
import type { Bindable, Storage } from './memory.ts'
import { Pipeline, type Variant } from './pipelines.ts'
import type { ParamValue } from './scalar.ts'
import { parseShader, type Shader, workgroupSize } from './shader.ts'

interface KnownShader extends Shader {
  id: number
}

/** How many invocations (`threads`) or workgroups (`groups`) to launch, along x, y, z. */
export type Grid = { threads: readonly number[] } | { groups: readonly number[] }

/** Records one dispatch. Throws ShaderError where names do not match the file. */
export type Kernel = (
  buffers: Record<string, Bindable>,
  params: Record<string, ParamValue>,
  grid: Grid,
  variant?: Variant,
) => void

/** As many as every device launches along one dimension. */
export const MAX_GROUPS = 65535
let shaders = 0

/**
 * One callable per entry point of a shader. A grid of one number beyond 65,535 workgroups is folded into rows; kernels
 * compute their index as `id.x + id.y * groups.x * SIZE` (`@builtin(num_workgroups) groups`).
 */
export function kernels<Entry extends string>(source: string): Record<Entry, Kernel> {
  const shader = { ...parseShader(source), id: shaders++ }
  const table: Record<string, Kernel> = {}
  for (const entry of shader.entries.keys()) {
    table[entry] = (buffers, params, grid, variant = {}) => dispatch(shader, entry, buffers, params, grid, variant)
  }
  return table as Record<Entry, Kernel>
}

function dispatch(
  shader: KnownShader,
  entry: string,
  buffers: Record<string, Bindable>,
  params: Record<string, ParamValue>,
  grid: Grid,
  variant: Variant,
): void {
  const names = Object.keys(buffers)
  const gpu = buffers[names[0]].storage.gpu
  const where = `${shader.stem}.${entry}`
  for (const name of names) {
    if (!shader.bindings.has(name))
      throw new ShaderError(`${where} has no binding '${name}': ${[...shader.bindings.keys()]}`)
    if (buffers[name].storage.gpu !== gpu) throw new ShaderError(`${where}: '${name}' belongs to another engine`)
  }
  checkApart(where, shader, buffers)
  for (const name of shader.fields.keys()) {
    if (!(name in params)) throw new ShaderError(`${where}: parameter '${name}' is missing`)
  }
  for (const name of Object.keys(params)) {
    if (!shader.fields.has(name))
      throw new ShaderError(`${where} has no parameter '${name}': ${[...shader.fields.keys()]}`)
  }
  const groups = workgroups(shader, entry, grid, variant)
  if (groups[0] * groups[1] * groups[2] === 0) return
  if (groups.some((n) => n > MAX_GROUPS))
    throw new ShaderError(`${where}: ${groups} workgroups, at most ${MAX_GROUPS} each`)
  const pipeline = pipelineOf(gpu, shader, entry, names, variant)
  const uses = names.map((name) => ({ index: shader.bindings.get(name)!.index, bindable: buffers[name] }))
  const uniform = [...shader.bindings.values()].find((b) => b.access === 'uniform')
  const slot = uniform
    ? { index: uniform.index, bytes: shader.paramsBytes, fields: shader.fields, values: params }
    : null
  gpu.tape.record(pipeline, uses, slot, groups)
}

/** What the device refuses, told at the call. */
function checkApart(where: string, shader: Shader, buffers: Record<string, Bindable>): void {
  const written = new Map<Storage, string>()
  for (const [name, { storage }] of Object.entries(buffers))
    if (shader.bindings.get(name)!.access === 'write') written.set(storage, name)
  for (const [name, { storage }] of Object.entries(buffers)) {
    if (shader.bindings.get(name)!.access !== 'read' || !written.has(storage)) continue
    const what = `reads '${name}' and writes '${written.get(storage)}' in the memory of one ${storage.label}`
    throw new InputError(`${where} ${what}; give it a copy, as mul(x, 1) makes one`)
  }
}

function workgroups(shader: Shader, entry: string, grid: Grid, variant: Variant): [number, number, number] {
  const size = workgroupSize(shader, entry, { ...numbersOf(variant.header), ...variant.constants })
  const counts =
    'groups' in grid
      ? [0, 1, 2].map((i) => grid.groups[i] ?? 1)
      : size.map((s, i) => Math.ceil((grid.threads[i] ?? 1) / s))
  const [x, y, z] = counts
  // A second number, be it 1, has a meaning of its own in the kernel.
  const { length } = 'groups' in grid ? grid.groups : grid.threads
  if (length === 1 && x > MAX_GROUPS) return [MAX_GROUPS, Math.ceil(x / MAX_GROUPS), 1]
  return [x, y, z]
}

function numbersOf(header: Variant['header']): Record<string, number> {
  const entries = Object.entries(header ?? {}).filter((e): e is [string, number] => typeof e[1] === 'number')
  return Object.fromEntries(entries)
}

function pipelineOf(gpu: Gpu, shader: KnownShader, entry: string, names: string[], variant: Variant): Pipeline {
  const key = JSON.stringify([shader.id, entry, [...names].sort(), variant])
  const known = gpu.pipelines.get(key)
  if (known) return known
  const bindings = [...shader.bindings.values()].filter((b) => b.access === 'uniform' || names.includes(b.name))
  const { header = {}, constants = {} } = variant
  const marks = Object.entries({ ...header, ...constants }).map(([k, v]) => `${k}=${v}`)
  const label = [`${shader.stem}.${entry}`, ...marks].join(' ')
  const pipeline = new Pipeline(gpu, label, shader, entry, variant, bindings)
  gpu.pipelines.set(key, pipeline)
  return pipeline
}
