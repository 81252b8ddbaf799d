import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Gpu, GpuInfo } from '../../src/gpu/gpu.ts'
import { CONV_PASSES, type ConvShape, geometryOf } from '../../src/ops/conv2dKey.ts'
import { ableKernels, adapterClass, KERNELS, planConv2d } from '../../src/ops/conv2dPlan.ts'

const test = suite('conv2d, the plan')

const info = (adapter: string, software: boolean, subgroupSize: number): GpuInfo => {
  return { adapter, software, subgroupSize, features: [], driver: '' }
}
const gpuOf = (of: GpuInfo) => ({ info: of, choices: {} }) as unknown as Gpu

const LLVMPIPE = info('llvmpipe (LLVM 15.0.6, 256 bits), Mesa 25.0.7', true, 8)
const SWIFTSHADER = info('SwiftShader Device (Subzero), SwiftShader driver 5.0.0', true, 4)
const GPU = info('Some GPU', false, 32)
const without = (of: GpuInfo): GpuInfo => ({ ...of, subgroupSize: 0 })

test('an adapter is of the class that its name and driver tell', () => {
  assert.is(adapterClass(LLVMPIPE), 'llvmpipe')
  assert.is(adapterClass(SWIFTSHADER), 'swiftshader')
  assert.is(adapterClass(info('google swiftshader', true, 0)), 'swiftshader', 'as browsers call it')
  assert.is(adapterClass({ ...info('a fallback', true, 0), driver: 'SwiftShader driver 5' }), 'swiftshader')
  assert.is(adapterClass(info('Microsoft Basic Render Driver', true, 0)), 'llvmpipe', 'other software')
  assert.is(adapterClass(GPU), 'gpu')
})

/** Shapes as columns: 16@28, 16→32@28 at stride 2, 1x1, 32@2, one picture, 5x5. */
const SHAPES = [
  { n: 64, c: 16, h: 28, w: 28, k: 16, kernel: 3, padding: 1 },
  { n: 64, c: 16, h: 28, w: 28, k: 32, kernel: 3, padding: 1, stride: 2 },
  { n: 64, c: 16, h: 28, w: 28, k: 32, kernel: 1 },
  { n: 64, c: 32, h: 2, w: 2, k: 32, kernel: 3, padding: 1 },
  { n: 1, c: 16, h: 28, w: 28, k: 16, kernel: 3, padding: 1 },
  { n: 64, c: 1, h: 28, w: 28, k: 16, kernel: 5, padding: 2 },
]

/** forward, dX and dW of each shape. */
const DEFAULTS: [string, GpuInfo, string[]][] = [
  [
    'llvmpipe',
    LLVMPIPE,
    [
      'strip strip quads',
      'strip strip quads',
      'lanes lanes quads',
      'tiny tiny tiny',
      'rows tile tile',
      'generic generic generic',
    ],
  ],
  [
    'llvmpipe without subgroups',
    without(LLVMPIPE),
    [
      'plain plain images',
      'plain shared images',
      'matmul matmul matmul',
      'plain plain images',
      'tile tile tile',
      'generic generic generic',
    ],
  ],
  [
    'SwiftShader',
    SWIFTSHADER,
    [
      'plain plain quads',
      'plain strip quads',
      'matmul matmul matmul',
      'tiny tiny tiny',
      'rows tile tile',
      'generic generic generic',
    ],
  ],
  [
    'a GPU',
    GPU,
    [
      'shared shared shared',
      'shared shared shared',
      'shared shared shared',
      'shared shared shared',
      'shared shared tile',
      'generic generic generic',
    ],
  ],
]
for (const [name, of, plans] of DEFAULTS) {
  test(`defaults on ${name}`, () => {
    const found = SHAPES.map((shape) => planConv2d(gpuOf(of), geometryOf(shape)))
    assert.equal(
      found.map((plan) => CONV_PASSES.map((pass) => plan[pass]).join(' ')),
      plans,
    )
  })
}

test('what needs more workgroups than one axis has is left to another kernel', () => {
  const gpu = gpuOf(LLVMPIPE)
  const able = (shape: ConvShape) => ableKernels(gpu, geometryOf(shape))
  // 131,072 runs of four pixels, 524,288 strips of eight lanes.
  const wide = able({ n: 64, c: 1, h: 1, w: 65536, k: 1, kernel: 3, padding: 1 })
  for (const name of ['strip', 'plain', 'rows'] as const) assert.not.ok(wide.forward.includes(name), name)
  for (const name of ['strip', 'plain'] as const) assert.not.ok(wide.dX.includes(name), name)
  // 65,536 runs: one too many; half as many fit.
  const high = { n: 8, c: 1, h: 1024, w: 1024, k: 1, kernel: 1, stride: 2 }
  assert.not.ok(able(high).forward.includes('lanes'))
  assert.not.ok(able(high).dX.includes('lanes'))
  assert.ok(able({ ...high, h: 512 }).forward.includes('lanes'))
  assert.ok(able({ ...high, h: 510 }).dX.includes('lanes'))
})

test('a GPU without subgroups has the same defaults', () => {
  for (const shape of SHAPES) {
    const g = geometryOf(shape)
    assert.equal(planConv2d(gpuOf(without(GPU)), g), planConv2d(gpuOf(GPU), g))
  }
})

test('what a kernel can do does not depend on the class of the adapter, but for the memory of an invocation', () => {
  let withheld = 0
  for (const shape of SHAPES) {
    const [one, other, gpu] = [LLVMPIPE, SWIFTSHADER, GPU].map((of) => {
      const able = ableKernels(gpuOf({ ...of, subgroupSize: 8 }), geometryOf(shape))
      return CONV_PASSES.map((pass) => [...able[pass]].sort())
    })
    assert.equal(other, one)
    assert.equal(
      gpu,
      one.map((names) => names.filter((name) => name !== 'plain')),
    )
    withheld += one.flat().length - gpu.flat().length
  }
  assert.is(withheld, 7, 'forward and dX of 3x3, but for dX at stride 2')
})

test('what has more runs of pixels than a grid has workgroups on an axis is for a kernel that folds', () => {
  const most = 65_535 * 64
  const plans = [most, most + 1].flatMap((n) =>
    [1, 2].map((stride) => {
      const shape = { n, c: 4, h: 1, w: 4 * stride, k: 4, kernel: 1, stride }
      const { forward, dX } = planConv2d(gpuOf(GPU), geometryOf(shape))
      return `${forward} ${dX}`
    }),
  )
  assert.equal(plans, ['shared shared', 'shared shared', 'generic generic', 'generic generic'])
})

test('a kernel whose lanes would idle can be asked for, but is no default', () => {
  const [one] = SHAPES.slice(4).map((shape) => ableKernels(gpuOf(LLVMPIPE), geometryOf(shape)))
  assert.equal(one.forward, ['rows', 'strip', 'lanes', 'plain', 'tile', 'shared', 'generic'])
})

test('every kernel is the default or a candidate somewhere, with each pass that it has', () => {
  const seen = new Set<string>()
  for (const shape of SHAPES) {
    const able = ableKernels(gpuOf(LLVMPIPE), geometryOf(shape))
    for (const pass of CONV_PASSES) for (const name of able[pass]) seen.add(`${name} ${pass}`)
  }
  const all = Object.entries(KERNELS).flatMap(([name, kernel]) => Object.keys(kernel).map((pass) => `${name} ${pass}`))
  assert.equal([...seen].sort(), all.sort())
})

test.run()
