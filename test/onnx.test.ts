// An exported model is read back and run by the operators that pass ONNX's own cases (test/conformance).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { noGrad } from '../src/autograd.ts'
import { type ResNetConfig, resnet } from '../src/nn/resnet.ts'
import { onnxModel } from '../src/onnx.ts'
import { stream } from '../src/random.ts'
import type { Tensor } from '../src/tensor.ts'
import { allclose, uniform } from './check.ts'
import { operators } from './conformance/adapters/graph.ts'
import type { Attributes } from './conformance/adapters/operator.ts'
import { engine } from './device.ts'
import { type ReadModel, readOnnx } from './io/onnxReader.ts'
import { lived } from './nn/lived.ts'

const test = suite('onnx')

/** Operands that our operators take as attributes. */
const BY_CONSTANT: Record<string, readonly string[]> = {
  Slice: ['starts', 'ends', 'axes', 'steps'],
  Pad: ['pads'],
  ReduceSum: ['axes'],
}

function run({ nodes, constants, outputs }: ReadModel, inputs: Record<string, Tensor>): Record<string, Tensor> {
  const known = new Map(Object.entries(inputs))
  for (const [name, { shape, data }] of constants) {
    if (data instanceof Float32Array) known.set(name, engine.tensor(data, shape))
  }
  for (const { op, inputs, outputs, attributes } of nodes) {
    const places = (BY_CONSTANT[op] ?? []).map((name, i) => {
      // The end of an axis, whatever its size, is the greatest number there is.
      const values = [...constants.get(inputs[i + 1])!.data].map((v) => Math.min(Number(v), 2 ** 31 - 1))
      return [name, values]
    })
    const operands = (places.length ? inputs.slice(0, 1) : inputs).map((name) => known.get(name)!)
    const given = { ...attributes, ...Object.fromEntries(places) } as unknown as Attributes
    known.set(outputs[0], [operators[op](operands, given, 1)].flat()[0])
  }
  return Object.fromEntries(outputs.map(({ name }) => [name, known.get(name)!]))
}

const softmax = (row: number[]) => {
  const e = row.map((z) => Math.exp(z - Math.max(...row)))
  return e.map((v) => v / e.reduce((a, b) => a + b))
}

for (const [name, config] of Object.entries<ResNetConfig>({
  'shortcut B': { depth: 8, widths: [8, 16, 32], channels: 1 },
  'shortcut A, more channels from the first block on': { depth: 8, widths: [9, 16, 30], stemWidth: 4, shortcut: 'A' },
  'a 7x7 stem and bottlenecks': { depth: 50, widths: [4, 4, 8, 8], channels: 1, classes: 7 },
  'norms before convolutions': { depth: 10, widen: 1, channels: 1 },
  'an embedding head': { depth: 8, widths: [4, 4, 8], embedding: 5, classes: 6 },
})) {
  test(`${name}: logits and probabilities are the network's`, async () => {
    const network = lived(config)
    const { channels, classes } = network.config
    const temperature = 1.7
    const bytes = onnxModel(network.config, await network.parameters.state(), { temperature })
    const x = engine.tensor(uniform(3 * channels * 14 * 14, 9), [3, channels, 14, 14], { layout: 'chwn' })
    const [logits, embedding] = noGrad(engine.gpu, () => [
      network.forward(x, { train: false }),
      config.embedding ? network.embed(x, { train: false }) : null,
    ])
    const want = Array.from(await logits!.read())
    const atol = 2e-5 * Math.max(...want.map(Math.abs))

    const model = readOnnx(bytes)
    assert.equal([model.ir, model.opset], [8, 17])
    assert.equal(model.inputs[0].shape, ['N', channels, 'height', 'width'])
    const found = noGrad(engine.gpu, () => run(model, { pictures: x }))
    assert.equal(
      model.outputs.slice(0, 2).map(({ shape }) => shape),
      [
        ['N', classes],
        ['N', classes],
      ],
    )
    allclose(await found.logits.read(), want, { atol, rtol: 0 }, 'logits')
    const rows = [0, 1, 2].flatMap((n) =>
      softmax(want.slice(n * classes, (n + 1) * classes).map((z) => z / temperature)),
    )
    allclose(await found.probabilities.read(), rows, { atol: 2e-5, rtol: 0 }, 'probabilities')
    if (embedding) allclose(await found.embedding.read(), await embedding.read(), { atol: 2e-5, rtol: 0 }, 'embedding')
  })
}

test('every value is made before it is used, under a name of its own, and every constant is used', async () => {
  const network = resnet(engine.gpu, { depth: 14, widths: [4, 8, 8], stemWidth: 2, shortcut: 'A' }, stream(0, 'onnx'))
  const { nodes, constants, inputs } = readOnnx(onnxModel(network.config, await network.parameters.state()))
  const made = new Set([...inputs.map(({ name }) => name), ...constants.keys()])
  const used = new Set<string>()
  for (const { name, inputs, outputs } of nodes) {
    assert.equal(
      inputs.filter((input) => !made.has(input)),
      [],
      name,
    )
    assert.not(made.has(outputs[0]), outputs[0])
    made.add(outputs[0])
    for (const input of inputs) used.add(input)
  }
  assert.equal(
    [...constants.keys()].filter((name) => !used.has(name)),
    [],
  )
})

test('takes pixels from 0 to 1 where it is told how they are normalised', async () => {
  const network = lived({ depth: 8, widths: [4, 4, 4], channels: 3 })
  const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.25, 0.2, 0.1] }
  const state = await network.parameters.state()
  const model = readOnnx(onnxModel(network.config, state, { normalisation, size: [6, 8], metadata: { by: 'us' } }))
  assert.equal(model.inputs, [{ name: 'pictures', type: 1, shape: ['N', 3, 6, 8], about: 'pixels from 0 to 1' }])
  assert.equal(model.metadata, { by: 'us' })
  assert.match(model.producer, /^webgpu-distill \d/)

  const pixels = uniform(2 * 3 * 48, 4).map((v) => (v + 1) / 2)
  const normal = pixels.map((v, i) => {
    const c = Math.floor(i / 48) % 3
    return (v - normalisation.mean[c]) / normalisation.std[c]
  })
  const [logits, found] = noGrad(engine.gpu, () => [
    network.forward(engine.tensor(normal, [2, 3, 6, 8], { layout: 'chwn' }), { train: false }),
    run(model, { pictures: engine.tensor(pixels, [2, 3, 6, 8], { layout: 'chwn' }) }),
  ])
  const want = await (logits as Tensor).read()
  const atol = 2e-5 * Math.max(...want.map(Math.abs))
  allclose(await (found as Record<string, Tensor>).logits.read(), want, { atol, rtol: 0 }, 'logits')
})

test('refuses what makes no model, by name', async () => {
  const network = resnet(engine.gpu, { depth: 8, widths: [4, 4, 4], channels: 1 }, stream(0, 'onnx'))
  const state = await network.parameters.state()
  const model = (options: Parameters<typeof onnxModel>[2]) => () => onnxModel(network.config, state, options)
  assert.throws(model({ temperature: 0 }), /temperature 0/)
  assert.throws(model({ temperature: Number.NaN }), /temperature NaN/)
  assert.throws(model({ temperature: 1e-46 }), /temperature 1e-46/)
  assert.throws(model({ normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } }), /mean of 3 channels .* of 1/)
  assert.throws(model({ normalisation: { mean: [0], std: [0] } }), /std 0/)
  const half = { normalisation: { mean: [0] } } as unknown as Parameters<typeof onnxModel>[2]
  assert.throws(model(half), /std of no channels for a network of 1/)
  const american = { normalization: { mean: [0], std: [1] } } as Parameters<typeof onnxModel>[2]
  assert.throws(model(american), /onnxModel: no option 'normalization'; there are size, normalisation/)
  const constant = { ...{ name: 'a set', classes: ['a'] }, mean: [0.5], std: [0.25] }
  assert.ok(model({ normalisation: constant })().length > 0)
  for (const size of [[-1, 4], [28.5, 4], [28]]) {
    assert.throws(model({ size: size as unknown as [number, number] }), /size .* needs height and width in pixels/)
  }
  const other = { ...network.config, classes: 7 }
  assert.throws(() => onnxModel(other, state), /'fc.weight' is \[10, 4\], the network has \[7, 4\]/)
  assert.throws(() => onnxModel({ ...network.config, depth: 14 }, state), /no weight 'layer1\.1\.conv1\.weight'/)
})

test.run()
