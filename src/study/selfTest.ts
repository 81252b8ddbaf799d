// A short test of the kernels that training runs on, against loops in float64. For a person who wonders whether this
// adapter and its driver compute what they should.
import { chooseCases } from '../cases/choose.ts'
import { checkOutputs, TOLERANCE } from '../cases/work.ts'
import type { Engine } from '../engine.ts'

export interface SelfTest {
  name: string
  ok: boolean
  /** Largest deviation over the largest value that was expected. */
  error: number
  tolerance: number
  seconds: number
  /** Why it could not be run; else empty. */
  fault: string
}

/** Ops and a shape of each; all their passes are tested. */
const TESTS = {
  conv2d: '8x16x14x14:16:3',
  batchNorm: '16x8x7x7',
  linear: '33x17:29',
  softmax: '32x10',
  distillLoss: '32x10',
  adamW: '200',
  pictures: '16x1x28x28:14',
}

/** Runs all of them, one after another. A test that fails or cannot run is in the list, not thrown. */
export async function selfTest(engine: Engine): Promise<SelfTest[]> {
  const done: SelfTest[] = []
  for (const [op, shape] of Object.entries(TESTS)) {
    const cases = chooseCases({ op, shapes: [shape] })
    const started = performance.now()
    let [error, fault] = [0, '']
    try {
      for (const { make } of cases) {
        const { record, want } = make(engine)
        const checked = await checkOutputs(engine.step(record), want, Number.POSITIVE_INFINITY)
        error = Math.max(error, checked.error)
      }
    } catch (thrown) {
      fault = (thrown as Error).message.split('\n')[0]
    }
    const seconds = (performance.now() - started) / 1000
    const name = `${op}: ${cases.map(({ pass }) => pass).join(', ')}`
    done.push({ name, ok: !fault && error <= TOLERANCE, error, tolerance: TOLERANCE, seconds, fault })
  }
  return done
}
