import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Tensor } from '../../src/tensor.ts'
import { allclose } from '../check.ts'
import { engine } from '../device.ts'
import { fusions, weigh } from './fusionCases.ts'

const test = suite('fusions')

// A gradient is the same tensor in both forms: what one has written is read before the other runs.
const valuesOf = (form: () => Tensor[]) => Promise.all(engine.step(form).map((each) => each.read()))

for (const { name, fused, separate } of fusions(engine, false)) {
  test(`the same apart: ${name}`, async () => {
    const [together, apart] = [await valuesOf(fused), await valuesOf(separate)]
    assert.is(together.length, apart.length)
    for (const [i, each] of together.entries()) allclose(each, apart[i], { atol: 2e-5, rtol: 1e-4 }, `output ${i}`)
  })
}

// Sizes of partial sums and kernels of convolutions are other ones on a GPU.
if (engine.info.software) {
  for (const { name, fused, separate } of fusions(engine, true)) {
    test(`docs/notes-kernels.md has the dispatches and bytes: ${name}`, () => {
      const [apart, together] = [separate, fused].map((form) => {
        const { tape } = engine.gpu.trace(name, form, () => [])
        const weight = weigh(tape)
        tape.release()
        return weight
      })
      const kilobytes = (bytes: number) => Math.round(bytes / 1e3).toLocaleString('en')
      const row = [
        name,
        `${apart.dispatches} → ${together.dispatches}`,
        `${kilobytes(apart.bytes)} → ${kilobytes(together.bytes)}`,
      ]
      assert.match(readFileSync('docs/notes-kernels.md', 'utf8'), `| ${row.join(' | ')} |`)
    })
  }
}

test.run()
