import { adamW, backward, distillLoss, init, linear, linearUniform, Parameters, relu, stream } from 'webgpu-distill'

const engine = await init() // through Dawn in Node, navigator.gpu in a browser; or init({ device }) with one of yours
const random = stream(0, 'points') // 256 points; which lie in the circle?
const points = Array.from({ length: 512 }, () => 2 * random.uniform() - 1)
const inside = Array.from({ length: 256 }, (_, i) => Number(Math.hypot(points[2 * i], points[2 * i + 1]) < 0.75))
const x = engine.tensor(points, [256, 2])
const labels = engine.tensor(inside, [256], { dtype: 'u32' })

const parameter = (name, shape, kind) => ({ name, shape, kind, values: linearUniform(shape, 2, random) })
const first = [parameter('w1', [32, 2], 'weight'), parameter('b1', [32], 'bias')]
const net = new Parameters(engine.gpu, [...first, parameter('w2', [2, 32], 'weight'), parameter('b2', [2], 'bias')])
const optimizer = adamW(net.flat, { lr: 0.02 })

const step = engine.capture('step', () => {
  const hidden = relu(linear(x, net.get('w1'), net.get('b1')))
  const logits = linear(hidden, net.get('w2'), net.get('b2'))
  const { loss, parts } = distillLoss(logits, { labels }) // a teacher: edges: [{ logits, temperature: 4, weight: 0.5 }]
  net.zeroGrad()
  backward(loss)
  optimizer.step()
  return parts
})
for (let t = 1; t <= 200; t++) {
  optimizer.advance(t)
  step.run() // replays what was recorded: no object is made, nothing is read back
}
const [loss, , , , , , right] = await step.outputs.read()
console.log(`loss ${loss.toFixed(3)}, ${(100 * right).toFixed(1)} % right on ${engine.info.adapter}`)
engine.destroy()
