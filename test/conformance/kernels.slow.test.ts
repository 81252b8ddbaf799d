// Every case with a convolution again, by each of its kernels wherever that one can do the shape: the defaults alone
// would leave most kernels to other adapters. The other passes keep their defaults.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Choices } from '../../src/gpu/gpu.ts'
import { geometryOf, parseConvKey } from '../../src/ops/conv2dKey.ts'
import { ableKernels, KERNELS, type KernelName } from '../../src/ops/conv2dPlan.ts'
import { engine } from '../device.ts'
import { adapters } from './adapters/index.ts'
import { COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { run } from './harness.ts'

const test = suite('conformance of every kernel')
const { gpu } = engine
const defaults = gpu.choices
const names = Object.keys(KERNELS) as KernelName[]

/** A shape that any kernel can do which this adapter can run, but `tiny`, whose pictures of 2x2 are in no case. */
const COMMON = geometryOf({ n: 8, c: 16, h: 8, w: 8, k: 16, kernel: 3, padding: 1 })
const able = Object.values(ableKernels(gpu, COMMON)).flat()

/** A table of choices that names `kernel` for whatever it can do, and counts how often it is asked for that. */
function always(kernel: KernelName) {
  const taken = { times: 0 }
  const choices = new Proxy({} as Choices, {
    get(_, key) {
      if (typeof key !== 'string' || key === '') return
      const { pass, shape } = parseConvKey(key)
      if (!ableKernels(gpu, geometryOf(shape))[pass].includes(kernel)) return
      taken.times++
      return kernel
    },
  })
  return { taken, choices }
}

const convolutions = (Object.keys(COUNTS) as Suite[]).flatMap((name) => {
  const folder = suiteFolder(name)
  return (folder ? loadSuite(folder) : []).filter(({ op }) => /conv/i.test(op))
})

for (const kernel of names.filter((name) => able.includes(name))) {
  test(`${kernel}, ${convolutions.length} cases`, async () => {
    const { taken, choices } = always(kernel)
    gpu.choices = choices
    try {
      for (const c of convolutions) {
        const { status, message } = await run(c, adapters[c.suite])
        assert.ok(status !== 'failed', `${c.suite} ${c.op}: ${c.name}: ${message}`)
      }
    } finally {
      gpu.choices = defaults
    }
    process.stdout.write(`\n${kernel}: in ${taken.times} passes`)
    assert.ok(taken.times > 0, `no case has a convolution that '${kernel}' can do`)
  })
}

test.run()
