// What the browser and Node both run: written once, so that only the platform differs.
import { backward, conv2d, type Engine, relu } from '../../src/index.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { distillLoss } from '../../src/ops/distillLoss.ts'
import { sgd } from '../../src/optim.ts'
import { stream } from '../../src/random.ts'

/** Values in (-1, 1) that need no generator: the same in every place that has IEEE doubles. */
export const values = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => (((i + 1) * (2654435761 + 2 * seed)) % 4294967296) / 2147483648 - 1)

export const shapes = { x: [3, 4, 9, 7], w: [8, 4, 3, 3], b: [8] }
const sizeOf = (shape: number[]) => shape.reduce((a, b) => a * b)

/** relu(conv2d(x, w, b)) with stride 2 and padding 1, and the gradient of its sum with respect to w. */
export async function convolution(engine: Engine): Promise<{ y: number[]; dw: number[] }> {
  const tensor = (name: keyof typeof shapes, seed: number, options: { layout?: 'chwn' } = {}) =>
    engine.tensor(values(sizeOf(shapes[name]), seed), shapes[name], { ...options, requiresGrad: true })
  const w = tensor('w', 2)
  const y = relu(conv2d(tensor('x', 1, { layout: 'chwn' }), w, tensor('b', 3), { stride: 2, padding: 1 }))
  backward(y, engine.full(y.shape, 1, { layout: 'chwn' }))
  return { y: [...(await y.read())], dw: [...(await w.grad!.read())] }
}

/** The losses of ten steps of SGD on one fixed batch: ResNet-8, recorded once and replayed. */
export async function tenSteps(engine: Engine): Promise<number[]> {
  const [batch, side, classes] = [10, 8, 10]
  const network = resnet(engine.gpu, { depth: 8, widths: [8, 16, 32], channels: 1, classes }, stream(1, 'init'))
  const shape = [batch, 1, side, side]
  const pictures = engine.tensor(values(sizeOf(shape), 4), shape, { layout: 'chwn' })
  const labels = engine.tensor(
    Array.from({ length: batch }, (_, i) => i % classes),
    [batch],
    { dtype: 'u32' },
  )
  const optimizer = sgd(network.parameters.flat, { lr: 0.05, momentum: 0.9 })
  const step = engine.capture('training step', () => {
    const { loss } = distillLoss(network.forward(pictures, { train: true }), { labels })
    network.parameters.zeroGrad()
    backward(loss)
    optimizer.step()
    return loss
  })
  const losses: number[] = []
  for (let t = 1; t <= 10; t++) {
    optimizer.advance(t)
    step.run()
    losses.push(await step.outputs.item())
  }
  return losses
}
