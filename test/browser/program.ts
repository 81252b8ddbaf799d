// What the browser and Node both run: written once, so that only the platform differs.
import { backward, conv2d, type Engine, relu } from '../../src/index.ts'

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
