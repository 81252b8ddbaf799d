// ResNets of the CIFAR family (He et al. 2016, section 4.2): a 3x3 stem, three stages of n basic blocks, global average
// pool, linear; depth = 6n + 2. Names are torchvision's. One builder: teacher, student and anchor are sizes.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { batchNorm } from '../ops/batchNorm.ts'
import { conv2d } from '../ops/conv2d.ts'
import { pad, slice } from '../ops/copy.ts'
import { linear } from '../ops/linear.ts'
import { globalAvgPool } from '../ops/pool.ts'
import type { RandomStream } from '../random.ts'
import type { Tensor } from '../tensor.ts'
import { kaimingNormal, linearUniform } from './init.ts'
import { Parameters, type Spec } from './parameters.ts'

export interface ResNetConfig {
  /** 8, 14, 20, 32, 44 or 56. */
  depth: number
  /** Channels of the three stages. Default 16, 32, 64. */
  widths?: readonly [number, number, number]
  classes?: number
  /** Input channels: 1 or 3. */
  channels?: number
  /** Stride of the first convolution. Default 1. */
  stemStride?: number
  /** `B`: 1x1 convolution and batch norm; `A`: every second pixel, zero channels on both sides. Default B. */
  shortcut?: 'A' | 'B'
}

export interface Network {
  readonly config: Required<ResNetConfig>
  readonly parameters: Parameters
  /** Logits [N, classes] of pictures [N, channels, H, W] (layout chwn). Train or eval is an argument, never a state. */
  forward(x: Tensor, mode: { train: boolean }): Tensor
  /** Multiply-adds times two of one forward pass of one picture, convolutions and the linear layer. */
  flops(height: number, width: number): number
}

const DEPTHS = [8, 14, 20, 32, 44, 56]

function complete(config: ResNetConfig): Required<ResNetConfig> {
  const full = {
    widths: [16, 32, 64] as const,
    classes: 10,
    channels: 3,
    stemStride: 1,
    shortcut: 'B' as const,
    ...config,
  }
  if (!DEPTHS.includes(full.depth))
    throw new InputError(`resnet: depth ${full.depth}; it must be one of ${DEPTHS.join(', ')}`)
  const counts = [...full.widths, full.classes, full.channels, full.stemStride]
  if (full.widths.length !== 3 || counts.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new InputError(
      `resnet: widths, classes, channels, stemStride must be whole numbers from 1, got ${counts.join(', ')}`,
    )
  }
  if (full.shortcut !== 'A' && full.shortcut !== 'B')
    throw new InputError(`resnet: shortcut '${full.shortcut}'; A or B`)
  return full
}

interface ConvShape {
  name: string
  from: number
  to: number
  kernel: number
  stride: number
}

interface Block {
  name: string
  from: number
  to: number
  stride: number
}

function blocksOf({ depth, widths }: Required<ResNetConfig>): Block[] {
  const each = (depth - 2) / 6
  const blocks: Block[] = []
  let from = widths[0]
  widths.forEach((to, stage) => {
    for (let i = 0; i < each; i++) {
      blocks.push({ name: `layer${stage + 1}.${i}`, from, to, stride: stage > 0 && i === 0 ? 2 : 1 })
      from = to
    }
  })
  return blocks
}

const reshapes = (b: Block): boolean => b.stride !== 1 || b.from !== b.to

/** A ResNet with fresh weights: Kaiming normal (fan-out) convolutions, PyTorch's default for the linear layer. */
export function resnet(gpu: Gpu, options: ResNetConfig, random: RandomStream): Network {
  const config = complete(options)
  const { widths, classes, channels, stemStride, shortcut } = config
  const blocks = blocksOf(config)
  const specs: Spec[] = []
  const conv = ({ name, from, to, kernel }: ConvShape) => {
    const values = kaimingNormal([to, from, kernel, kernel], random)
    specs.push({ name: `${name}.weight`, shape: [to, from, kernel, kernel], values, kind: 'weight' })
  }
  const norm = (name: string, c: number) => {
    specs.push({ name: `${name}.weight`, shape: [c], values: new Float32Array(c).fill(1), kind: 'norm' })
    specs.push({ name: `${name}.bias`, shape: [c], values: new Float32Array(c), kind: 'norm' })
    specs.push({ name: `${name}.running_mean`, shape: [c], values: new Float32Array(c), kind: 'running' })
    specs.push({ name: `${name}.running_var`, shape: [c], values: new Float32Array(c).fill(1), kind: 'running' })
  }
  conv({ name: 'conv1', from: channels, to: widths[0], kernel: 3, stride: stemStride })
  norm('bn1', widths[0])
  for (const b of blocks) {
    conv({ name: `${b.name}.conv1`, from: b.from, to: b.to, kernel: 3, stride: b.stride })
    norm(`${b.name}.bn1`, b.to)
    conv({ name: `${b.name}.conv2`, from: b.to, to: b.to, kernel: 3, stride: 1 })
    norm(`${b.name}.bn2`, b.to)
    if (reshapes(b) && shortcut === 'B') {
      conv({ name: `${b.name}.downsample.0`, from: b.from, to: b.to, kernel: 1, stride: b.stride })
      norm(`${b.name}.downsample.1`, b.to)
    }
  }
  specs.push({
    name: 'fc.weight',
    shape: [classes, widths[2]],
    values: linearUniform([classes, widths[2]], widths[2], random),
    kind: 'weight',
  })
  specs.push({ name: 'fc.bias', shape: [classes], values: linearUniform([classes], widths[2], random), kind: 'bias' })
  const parameters = new Parameters(gpu, specs)

  const normalise = (name: string, x: Tensor, train: boolean, extra: { relu?: boolean; residual?: Tensor } = {}) => {
    const get = (part: string) => parameters.get(`${name}.${part}`)
    const weights = {
      gamma: get('weight'),
      beta: get('bias'),
      runningMean: get('running_mean'),
      runningVar: get('running_var'),
    }
    return batchNorm(x, weights, { train, ...extra })
  }
  const convolve = (name: string, x: Tensor, stride: number, padding: number) =>
    conv2d(x, parameters.get(`${name}.weight`), null, { stride, padding })

  const shortcutOf = (b: Block, x: Tensor, train: boolean): Tensor => {
    if (!reshapes(b)) return x
    if (shortcut === 'A') return padChannels(everySecond(x, b.stride), b.to)
    return normalise(`${b.name}.downsample.1`, convolve(`${b.name}.downsample.0`, x, b.stride, 0), train)
  }

  return {
    config,
    parameters,
    forward(x, { train }) {
      let y = normalise('bn1', convolve('conv1', x, stemStride, 1), train, { relu: true })
      for (const b of blocks) {
        const inner = normalise(`${b.name}.bn1`, convolve(`${b.name}.conv1`, y, b.stride, 1), train, { relu: true })
        const residual = shortcutOf(b, y, train)
        y = normalise(`${b.name}.bn2`, convolve(`${b.name}.conv2`, inner, 1, 1), train, { residual })
      }
      return linear(globalAvgPool(y), parameters.get('fc.weight'), parameters.get('fc.bias'))
    },
    flops(height, width) {
      let [h, w] = [Math.ceil(height / stemStride), Math.ceil(width / stemStride)]
      let total = 9 * channels * widths[0] * h * w
      for (const b of blocks) {
        h = Math.ceil(h / b.stride)
        w = Math.ceil(w / b.stride)
        total += 9 * (b.from + b.to) * b.to * h * w
        if (reshapes(b) && shortcut === 'B') total += b.from * b.to * h * w
      }
      return 2 * (total + widths[2] * classes)
    },
  }
}

/** Shortcut A, first half: every stride-th row and column. */
function everySecond(x: Tensor, stride: number): Tensor {
  if (stride === 1) return x
  const [, , h, w] = x.shape
  return slice(x, { starts: [0, 0], ends: [h, w], axes: [2, 3], steps: [stride, stride] })
}

/** Shortcut A, second half: zero channels, half of them before and half after. */
function padChannels(x: Tensor, to: number): Tensor {
  const missing = to - x.shape[1]
  const before = Math.floor(missing / 2)
  return pad(x, [0, before, 0, 0, 0, missing - before, 0, 0])
}
