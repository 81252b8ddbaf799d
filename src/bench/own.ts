// A WGSL file of a user's in place of one of our kernels: same inputs, same check, timed beside ours. What it must
// declare is in docs/performance.md.

import type { OpenWork, Work } from '../cases/work.ts'
import { kernels } from '../gpu/kernel.ts'
import { parseShader, type Shader } from '../gpu/shader.ts'
import { fill } from '../ops/copy.ts'
import { UsageError } from '../study/usage.ts'
import { empty, sizeOf, type Tensor } from '../tensor.ts'

export interface OwnKernel {
  file: string
  /** Whether it writes what the case writes: a file is one pass of an op. */
  writes: (work: Work) => boolean
  /**
   * What records one call of it, the output filled with `before` first where that is given. Throws UsageError where the
   * file does not fit the case.
   */
  record: (work: Work, name: string, before?: number) => () => Tensor[]
}

/** Throws UsageError for a file that is no compute shader. */
export function ownKernel(file: string, source: string): OwnKernel {
  const shader = parseShader(source)
  const [entry, ...more] = shader.entries.keys()
  if (!entry || more.length > 0) {
    throw new UsageError(`--kernel ${file}: needs one @compute entry point, has ${more.length + (entry ? 1 : 0)}`)
  }
  const run = kernels(source)[entry]
  return {
    file,
    writes: ({ open }) => open !== undefined && shader.bindings.get(open.output.name)?.access === 'write',
    record: ({ open }, name, before) => {
      if (!open) throw new UsageError(`--kernel ${file}: ${name} cannot be replaced by a kernel of yours`)
      checkBindings(file, shader, open, name)
      const { inputs, output, numbers } = open
      const [{ gpu }] = Object.values(inputs)
      const lanes = gpu.info.subgroupSize
      const known: Record<string, number> = { elements: sizeOf(output.shape), ...numbers, lanes }
      const params = Object.fromEntries([...shader.fields.keys()].map((field) => [field, number(file, known, field)]))
      const grid = gridOf(file, source, { ...Object.fromEntries(shader.numbers), ...known })
      const header: Record<string, number> =
        /\bLANES\b/.test(source) && !shader.numbers.has('LANES') ? { LANES: lanes } : {}
      return () => {
        const y = empty(gpu, output.shape, 'f32', output.layout, output.name)
        if (before !== undefined) fill(y, before)
        const all: Record<string, Tensor> = { ...inputs, [output.name]: y }
        const storages = [...shader.bindings.values()].filter(({ access }) => access !== 'uniform')
        run(Object.fromEntries(storages.map(({ name }) => [name, all[name]])), params, grid, { header })
        return [y]
      }
    },
  }
}

function checkBindings(file: string, shader: Shader, { inputs, output }: OpenWork, name: string): void {
  const storages = [...shader.bindings.values()].filter(({ access }) => access !== 'uniform')
  const there = `${name} has ${Object.keys(inputs).join(', ')} to read and ${output.name} to write`
  for (const binding of storages) {
    const fits = binding.access === 'write' ? binding.name === output.name : binding.name in inputs
    if (!fits) throw new UsageError(`--kernel ${file}: binding '${binding.name}' (${binding.access}): ${there}`)
  }
  if (!storages.some((binding) => binding.name === output.name)) {
    throw new UsageError(`--kernel ${file}: no binding '${output.name}': ${there}`)
  }
}

function number(file: string, known: Record<string, number>, name: string): number {
  if (name in known) return known[name]
  throw new UsageError(`--kernel ${file}: '${name}' is unknown; there are ${Object.keys(known).join(', ')}`)
}

/** `// threads: oh * ow * n, k / 16` or `// groups: …`; a division rounds up. Default: a thread an output element. */
function gridOf(file: string, source: string, known: Record<string, number>) {
  const [, kind, text] = /^\/\/\s*(threads|groups):\s*(.+?)\s*$/m.exec(source) ?? [null, 'threads', 'elements']
  const counts = text.split(',').map((product) => {
    const terms = product.split(/([*/])/).map((term) => term.trim())
    const value = (term: string) => (/^\d+$/.test(term) ? Number(term) : number(file, known, term))
    let result = value(terms[0])
    for (let i = 1; i < terms.length; i += 2) {
      const next = value(terms[i + 1])
      result = terms[i] === '*' ? result * next : Math.ceil(result / next)
    }
    return result
  })
  return kind === 'groups' ? { groups: counts } : { threads: counts }
}
