// The ResNets that all contestants train: a 3x3 stem, three stages of basic blocks with 1x1 shortcuts (B), average pool,
// linear. Written once; what an operation is, each library says. Names are torchvision's.

/** Every convolution with its batch norm, in order: { conv, norm, from, to, kernel, stride }; then the blocks they form. */
export function layersOf({ depth, widths, channels }) {
  const stem = { conv: 'conv1', norm: 'bn1', from: channels, to: widths[0], kernel: 3, stride: 1 }
  const blocks = []
  let from = widths[0]
  widths.forEach((to, stage) => {
    for (let i = 0; i < (depth - 2) / 6; i++) {
      const name = `layer${stage + 1}.${i}`
      const stride = stage > 0 && i === 0 ? 2 : 1
      const layer = (conv, norm, sizes) => ({ conv: `${name}.${conv}`, norm: `${name}.${norm}`, ...sizes })
      const first = layer('conv1', 'bn1', { from, to, kernel: 3, stride })
      const second = layer('conv2', 'bn2', { from: to, to, kernel: 3, stride: 1 })
      const reshapes = stride !== 1 || from !== to
      const shortcut = reshapes ? layer('downsample.0', 'downsample.1', { from, to, kernel: 1, stride }) : null
      blocks.push({ first, second, shortcut })
      from = to
    }
  })
  return { stem, blocks }
}

export const convolutionsOf = (config) => {
  const { stem, blocks } = layersOf(config)
  return [stem, ...blocks.flatMap(({ first, second, shortcut }) => [first, second, shortcut].filter(Boolean))]
}

/**
 * The logits. `unit(x, layer, { relu, residual })`: convolution, norm, then the residual added, then ReLU; a residual
 * implies ReLU. `head(x)`: average pool and linear. `keep(x)`, where a library wants to know of a second use.
 */
export function forward(config, x, { unit, head, keep = (each) => each }) {
  const { stem, blocks } = layersOf(config)
  let y = unit(x, stem, { relu: true })
  for (const { first, second, shortcut } of blocks) {
    const inner = unit(keep(y), first, { relu: true })
    const residual = shortcut ? unit(y, shortcut, {}) : y
    y = unit(inner, second, { residual })
  }
  return head(y)
}

/** Multiply-adds times two of one picture's forward pass. */
export function flopsOf(config, side) {
  const { stem, blocks } = layersOf(config)
  const flops = ({ from, to, kernel }, at) => 2 * kernel * kernel * from * to * at * at
  let at = side
  let total = flops(stem, at)
  for (const { first, second, shortcut } of blocks) {
    at = Math.ceil(at / first.stride)
    total += flops(first, at) + flops(second, at) + (shortcut ? flops(shortcut, at) : 0)
  }
  return total + 2 * config.widths[2] * config.classes
}

export const EPS = 1e-5
/** Of the running statistics. */
export const MOMENTUM = 0.1

/** A frozen network's weights, batch norm folded into its convolutions: name → { shape, data }. `weights` likewise. */
export function folded(config, weights) {
  const result = { 'fc.weight': weights['fc.weight'], 'fc.bias': weights['fc.bias'] }
  for (const { conv, norm } of convolutionsOf(config)) {
    const of = (part) => weights[`${norm}.${part}`].data
    const scale = of('weight').map((gamma, k) => gamma / Math.sqrt(of('running_var')[k] + EPS))
    const { shape, data } = weights[`${conv}.weight`]
    const each = data.length / shape[0]
    result[`${conv}.weight`] = { shape, data: data.map((value, i) => value * scale[Math.floor(i / each)]) }
    const bias = of('bias').map((beta, k) => beta - of('running_mean')[k] * scale[k])
    result[`${conv}.bias`] = { shape: [shape[0]], data: bias }
  }
  return result
}

/** The inputs that begin with `prefix.`, without it. */
export function weightsOf(inputs, prefix) {
  const own = Object.entries(inputs).filter(([name]) => name.startsWith(`${prefix}.`))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length + 1), value]))
}
