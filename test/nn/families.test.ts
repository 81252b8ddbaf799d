import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../../src/autograd.ts'
import { OutOfMemoryError } from '../../src/errors.ts'
import { writeSafetensors } from '../../src/io/safetensors.ts'
import { flopsOf } from '../../src/nn/architecture.ts'
import { nameOf, networkNamed } from '../../src/nn/names.ts'
import { type ResNetConfig, resnet } from '../../src/nn/resnet.ts'
import { loadWeights } from '../../src/nn/weights.ts'
import { sum } from '../../src/ops/reduce.ts'
import { stream } from '../../src/random.ts'
import { empty } from '../../src/tensor.ts'
import { engine } from '../device.ts'
import { compare } from './reference.ts'

const test = suite('families of networks')
const build = (config: ResNetConfig) => resnet(engine.gpu, config, stream(0, 'init'))
const named = (name: string, more: Partial<ResNetConfig> = {}) => build(networkNamed(name, { classes: 100, ...more }))

test('has the parameter counts of the CIFAR-100 literature', () => {
  const counts = { 'wrn-16-2': 703_284, 'wrn-40-2': 2_255_156, 'wrn-40-1': 569_780, resnet8x4: 1_233_540 }
  for (const [name, count] of Object.entries(counts)) assert.is(named(name).parameters.count(), count, name)
  assert.is(named('resnet20').parameters.count(), 278_324)
})

test('counts the multiply-adds of the literature', () => {
  const giga = (name: string, side: number, classes: number) => {
    return flopsOf(networkNamed(name, { classes }), side, side) / 2e9
  }
  assert.ok(Math.abs(giga('resnet18', 224, 1000) - 1.814) < 0.001)
  assert.ok(Math.abs(giga('resnet34', 224, 1000) - 3.664) < 0.001)
  assert.ok(Math.abs(giga('resnet50', 224, 1000) - 4.089) < 0.001)
})

for (const name of ['wrn-16-2', 'resnet8x4']) {
  test(`${name}: loss, logits, gradients, running statistics and evaluation are PyTorch's, SGD's step is one`, async () => {
    const off = await compare(name)
    assert.is(off.count, off.fixture.count)
    assert.ok(off.loss < 1e-6, `loss ${off.loss}`)
    assert.ok(off.logits < 1e-5, `logits ${off.logits}`)
    assert.ok(off.evaluated < 1e-5, `evaluated ${off.evaluated}`)
    assert.ok(off.norms < 1e-5, `norms ${off.norms}`)
    assert.ok(off.samples < 1e-4, `samples ${off.samples}`)
    assert.ok(off.updated <= 1, `updated ${off.updated}`)
    assert.ok(Math.abs(off.gained - 1) < 0.01, `gained ${off.gained}`)
  })
}

test('names mean networks, and networks have names', () => {
  const before = { depth: 8, widths: [4, 8, 16], stemStride: 2, classes: 10, channels: 1 }
  assert.equal(networkNamed('resnet20', before), { ...before, depth: 20 })
  assert.equal(networkNamed('resnet8:16,32,64/1', before), { ...before, widths: [16, 32, 64], stemStride: 1 })
  const fixed = { classes: 10, channels: 1 }
  assert.equal(networkNamed('resnet18', before), { ...fixed, depth: 18 })
  assert.equal(networkNamed('resnet50-3x3', before), { ...fixed, depth: 50, stem: '3x3' })
  assert.equal(networkNamed('resnet8x4', before), { ...fixed, depth: 8, widths: [64, 128, 256], stemWidth: 32 })
  assert.equal(networkNamed('wrn-16-2/2@64', before), {
    ...{ ...fixed, depth: 16, widen: 2 },
    ...{ stemStride: 2, embedding: 64 },
  })
  const all = ['resnet110', 'resnet8:16,32,64/2', 'resnet32x4', 'resnet18', 'resnet34-3x3', 'wrn-40-2', 'resnet8@32']
  for (const name of all) assert.is(nameOf(networkNamed(name)), name)
  assert.is(nameOf(networkNamed('resnet18-3x3:32,64,128,256')), 'resnet18-3x3:32,64,128,256')
  // What no name can say is said, and not read as another network.
  assert.is(nameOf({ depth: 8, stem: '3x3' }), 'resnet8')
  const odd = [
    [{ depth: 8, widths: [8, 16, 32], stemWidth: 16 }, 'resnet8:8,16,32 (stem width 16)'],
    [{ depth: 20, stem: '7x7' as const }, 'resnet20 (stem 7x7)'],
    [{ depth: 16, widen: 2, widths: [8, 16, 24] }, 'wrn-16-2 (widths 8,16,24)'],
  ] as const
  for (const [config, name] of odd) {
    assert.is(nameOf(config), name)
    assert.throws(() => networkNamed(name))
  }
})

test('a name that means nothing is told what is possible', () => {
  for (const name of [
    'vgg16',
    'resnet',
    'resnet18x4',
    'resnet20-3x3',
    'wrn-16',
    'resnet8:16,',
    'resnet8x4:1,2,3',
    '',
  ]) {
    assert.throws(() => networkNamed(name), /resnetD\[:W,W,W\] .* resnet8x4 or resnet32x4, .* wrn-D-K \(D = 6n \+ 4\)/)
  }
  assert.throws(() => networkNamed('resnet9'), /depth 9; .* 8, 14, .*110 \(CIFAR\), 18, 34, 50, 101, 152 \(ImageNet\)/)
  assert.throws(() => networkNamed('wrn-15-2'), /depth 15; it must be one of 10, 16, 22, .* \(6n \+ 4\)/)
  for (const huge of ['resnet8:16,16,70000', 'wrn-10-60000', 'resnet8@99999999999', 'resnet8:99999999999,16,16']) {
    assert.throws(() => networkNamed(huge), /widths [\d, ]+ make [\d.e+]+ weights; at most 1073741824, 4 GiB/)
  }
  assert.throws(() => networkNamed('wrn-6000000004-2'), /depth 6000000004; it must be one of 10, .* 1000 \(6n \+ 4\)/)
  assert.throws(() => networkNamed('resnet18:16,32,64'), /3 widths, 16, 32, 64; depth 18 has 4/)
  assert.throws(() => networkNamed('wrn-16-0'), /whole numbers from 1/)
  assert.throws(() => build({ depth: 16, widen: 1, shortcut: 'A' }), /no shortcut A/)
  assert.throws(() => build({ depth: 18, stem: '5x5' as '3x3' }), /stem '5x5'; 3x3 or 7x7/)
})

test('the names of an ImageNet network are torchvision’s', () => {
  const config = { depth: 50, widths: [1, 1, 1, 1], classes: 3 }
  const names = build(config).parameters.names()
  // From torchvision.models.resnet50().state_dict(), without num_batches_tracked: 1 + 4 + 16·15 + 4·5 + 2.
  assert.is(names.length, 267)
  for (const name of [
    'conv1.weight',
    'bn1.running_mean',
    'layer1.0.conv1.weight',
    'layer1.0.bn3.bias',
    'layer1.0.downsample.0.weight',
    'layer1.0.downsample.1.running_var',
    'layer3.5.conv3.weight',
    'layer4.2.bn3.weight',
    'fc.weight',
    'fc.bias',
  ]) {
    assert.ok(names.includes(name), name)
  }
  assert.not.ok(names.includes('layer1.1.downsample.0.weight'))
})

test('a state_dict saved as safetensors loads by name', async () => {
  const config = { depth: 18, widths: [2, 2, 4, 4], classes: 3 }
  const [from, to] = [build(config), resnet(engine.gpu, config, stream(1, 'init'))]
  const file = [...(await from.parameters.state())].map(([name, { shape, data }]) => {
    return [name, { dtype: 'F32' as const, shape: [...shape], data }] as const
  })
  const counter = { dtype: 'I64' as const, shape: [], data: BigInt64Array.of(7n) }
  loadWeights(to, writeSafetensors([...file.map((entry) => [...entry] as never), ['bn1.num_batches_tracked', counter]]))
  assert.equal(await to.parameters.flat.values.read(), await from.parameters.flat.values.read())
  const half = writeSafetensors([['conv1.weight', counter]])
  assert.throws(() => loadWeights(to, half, 'a.safetensors'), /a.safetensors: 'conv1.weight' is I64, weights are F32/)
})

test('an embedding has length 1, cosines as logits, and a gradient orthogonal to it', async () => {
  const net = build({ depth: 8, widths: [4, 4, 8], classes: 5, embedding: 6 })
  const x = engine.tensor(
    Float32Array.from({ length: 2 * 3 * 64 }, (_, i) => Math.sin(i)),
    [2, 3, 8, 8],
    { layout: 'chwn' },
  )
  const { embedded, logits } = engine.step(() =>
    engine.noGrad(() => ({ embedded: net.embed(x, { train: false }), logits: net.forward(x, { train: false }) })),
  )
  const [e, y, weight] = await Promise.all([embedded.read(), logits.read(), net.parameters.get('fc.weight').read()])
  assert.equal(embedded.shape, [2, 6])
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    return Array.from({ length: 6 }, (_, i) => a[i] * b[i]).reduce((total, v) => total + v, 0)
  }
  for (const row of [0, 1]) {
    const own = e.slice(6 * row, 6 * row + 6)
    assert.ok(Math.abs(dot(own, own) - 1) < 1e-5)
    for (let c = 0; c < 5; c++) {
      const w = weight.slice(6 * c, 6 * c + 6)
      assert.ok(Math.abs(y[5 * row + c] - (16 * dot(own, w)) / Math.sqrt(dot(w, w))) < 1e-4)
    }
  }
  // A row of fc.weight only matters by its direction: its gradient stands on it.
  const fc = net.parameters.get('fc.weight')
  engine.step(() => backward(sum(net.forward(x, { train: true }))))
  const gradient = await fc.grad!.read()
  for (let c = 0; c < 5; c++) {
    const [g, w] = [gradient, weight].map((all) => all.slice(6 * c, 6 * c + 6))
    assert.ok(dot(g, g) > 0)
    assert.ok(Math.abs(dot(g, w)) < 1e-4 * Math.sqrt(dot(g, g) * dot(w, w)))
  }
  assert.throws(() => build({ depth: 8 }).embed(x, { train: false }), /no embedding head/)
})

test('what the adapter can’t hold in one tensor is refused with both sizes, before anything runs', () => {
  const limit = engine.gpu.device.limits.maxStorageBufferBindingSize
  const batch = Math.floor(limit / 4 / (16 * 32 * 32)) + 1
  const net = build({ depth: 8 })
  const refused = () => {
    const x = empty(engine.gpu, [batch, 3, 32, 32], 'f32', 'chwn')
    assert.throws(
      () => engine.step(() => engine.noGrad(() => net.forward(x, { train: false }))),
      (error: Error) =>
        error instanceof OutOfMemoryError && error.message.includes(`binds at most ${limit}; use a smaller`),
    )
    return engine.memory().bytes
  }
  // What the first attempt took is free for the second.
  assert.is(refused(), refused())
})

test.run()
