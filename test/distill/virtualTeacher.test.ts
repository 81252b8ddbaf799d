// Tf-KD: a virtual teacher's answers, and its loss and gradients against the formula in float64.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import * as methods from '../../src/distill/methods.ts'
import { persistent } from '../../src/tensor.ts'
import { allclose } from '../check.ts'
import { C, check, gpu, LABELS, N, rows, seen, softmax } from './reference.ts'

const test = suite('virtual teacher')

test('it is right with its probability, and undecided otherwise', async () => {
  const table = methods.virtualTeacher(LABELS, C, 0.85)
  for (const [row, label] of LABELS.entries()) {
    const p = softmax(table, row, 1)
    allclose(
      p,
      p.map((_, c) => (c === label ? 0.85 : 0.05)),
      { atol: 1e-7 },
    )
  }
  const stored = { virtual: persistent(gpu, [N, C], table) }
  const inBatch = Float64Array.from({ length: N * C }, (_, i) => table[rows[Math.floor(i / C)] * C + (i % C)])
  for (const temperature of [1, 20]) {
    await check('tf-kd', methods.tfkd(seen(1), { temperature, weight: 0.6 }), { stored }, { virtual: inBatch })
  }
  assert.throws(() => methods.virtualTeacher(LABELS, C, 1), /probability 1, needs/)
})

test('it is smoothed not at all, as logits, or as the published code does it', async () => {
  const p = (label: number, c: number) => (c === label ? 0.85 : 0.05)
  // Before they are divided by their sum.
  const parts = {
    none: (x: number) => x,
    logits: (x: number, T: number) => x ** (1 / T),
    probabilities: (x: number, T: number) => Math.exp(x / T),
  }
  for (const smoothing of methods.SMOOTHINGS) {
    for (const temperature of [1, 4, 20]) {
      const target = Array.from(rows, (row) => {
        const all = Array.from({ length: C }, (_, c) => parts[smoothing](p(LABELS[row], c), temperature))
        return all.map((x) => x / all.reduce((a, b) => a + b))
      })
      // Logits whose softmax at this temperature is the target.
      const virtual = Float64Array.from(target.flat(), (q) => temperature * Math.log(q))
      const table = methods.virtualTeacher(LABELS, C, { probability: 0.85, temperature, smoothing })
      const stored = { virtual: persistent(gpu, [N, C], table) }
      const method = methods.tfkd(seen(1), { temperature, weight: 0.6 })
      await check(`tf-kd, ${smoothing}, T = ${temperature}`, method, { stored }, { virtual })
    }
  }
  assert.equal(
    methods.virtualTeacher(LABELS, C, 0.85),
    methods.virtualTeacher(LABELS, C, { probability: 0.85, temperature: 1, smoothing: 'none' }),
  )
})

test.run()
