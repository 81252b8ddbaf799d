// Every case with a convolution again, by each of its kernels wherever that one can do the shape: the defaults alone
// would leave most kernels to other adapters. The other passes keep their defaults. Networks in training are among them,
// for a few steps.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Choices } from '../../src/gpu/gpu.ts'
import { geometryOf, parseConvKey } from '../../src/ops/conv2dKey.ts'
import { ableKernels, KERNELS, type KernelName } from '../../src/ops/conv2dPlan.ts'
import { engine } from '../device.ts'
import { adapters } from './adapters/index.ts'
import { shortened } from './adapters/resnet8.ts'
import { COUNTS, loadSuite, type Suite, suiteFolder } from './cases.ts'
import { run } from './harness.ts'

const test = suite('conformance of every kernel')
const { gpu } = engine
const defaults = gpu.choices
const names = Object.keys(KERNELS) as KernelName[]

/** Shapes of which any kernel can do one that this adapter can run at all. */
const COMMON = [
  { n: 8, c: 16, h: 8, w: 8, k: 16, kernel: 3, padding: 1 },
  { n: 8, c: 16, h: 2, w: 2, k: 16, kernel: 3, padding: 1 },
  { n: 8, c: 16, h: 8, w: 8, k: 16, kernel: 1 },
]
const able = COMMON.flatMap((shape) => Object.values(ableKernels(gpu, geometryOf(shape))).flat())

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
  return (folder ? loadSuite(folder) : []).filter(({ op }) => /conv|resnet/i.test(op)).map(shortened)
})

/** By one invocation an element the two larger networks take minutes to train: there `generic` has the small one. */
const casesOf = (kernel: KernelName) =>
  convolutions.filter(({ op, name }) => kernel !== 'generic' || op !== 'resnet8' || name.startsWith('small'))

for (const kernel of names.filter((name) => able.includes(name))) {
  const cases = casesOf(kernel)
  test(`${kernel}, ${cases.length} cases`, async () => {
    const { taken, choices } = always(kernel)
    gpu.choices = choices
    try {
      for (const c of cases) {
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
