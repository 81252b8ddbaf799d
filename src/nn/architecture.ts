// What a residual network is made of, as data: a stem, blocks of convolutions, a head. The families differ in numbers
// and in names, not in code; `resnet.ts` builds every one of them.
import { InputError } from '../errors.ts'

export interface ResNetConfig {
  /**
   * 6n + 2 from 8 to 110: the CIFAR family (He et al. 2016, section 4.2). 18, 34, 50, 101, 152: the ImageNet family, as
   * torchvision's. With `widen`, 6n + 4: a wide ResNet (Zagoruyko & Komodakis 2016), pre-activation, no dropout.
   */
  depth: number
  /** Makes it a wide ResNet; the factor on its widths 16, 32, 64. */
  widen?: number
  /** Channels of the stages. Default 16, 32, 64; in the ImageNet family 64, 128, 256, 512. */
  widths?: readonly number[]
  /** Channels of the first convolution. Default: those of the first stage; 16 in a wide ResNet. */
  stemWidth?: number
  /** `7x7` is followed by a max pool of stride 2. Default: 7x7 in the ImageNet family, else 3x3. */
  stem?: '3x3' | '7x7'
  /** Stride of the first convolution. Default 2 for a 7x7 stem, else 1. */
  stemStride?: number
  classes?: number
  /** Input channels: 1 or 3. */
  channels?: number
  /** `B`: 1x1 convolution and batch norm; `A`: every second pixel, zero channels on both sides. Default B. */
  shortcut?: 'A' | 'B'
  /** An embedding of so many dimensions, of length 1, before the classes; the logits are 16 times its cosines. */
  embedding?: number
}

/** A convolution and the batch norm after it; in a pre-activation block, before it. */
export interface Layer {
  conv: string
  norm: string
  from: number
  to: number
  kernel: number
  stride: number
}

export interface Block {
  layers: Layer[]
  from: number
  to: number
  stride: number
  /** The 1x1 convolution of a block that reshapes, and its batch norm, which pre-activation blocks don't have. */
  shortcut: { conv: string; norm: string | null } | null
}

export interface Architecture {
  config: ResNetConfig & { classes: number; channels: number; shortcut: 'A' | 'B' }
  /** Batch norm and ReLU come before every convolution, and once more after the last block. */
  preactivation: boolean
  stem: { kernel: 3 | 7; stride: number; to: number; pool: boolean }
  blocks: Block[]
  /** Channels after the last block. */
  features: number
}

/** Blocks of each stage of the ImageNet family. */
const IMAGENET: Record<number, { blocks: readonly number[]; bottleneck: boolean }> = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
  152: { blocks: [3, 8, 36, 3], bottleneck: true },
}

/** They lie in one buffer. */
const MOST_WEIGHTS = 2 ** 30

export const CIFAR_DEPTHS = [8, 14, 20, 32, 44, 56, 110]
export const IMAGENET_DEPTHS = Object.keys(IMAGENET).map(Number)

/** What is undefined is left to the defaults. */
export function withoutUndefined(config: ResNetConfig): ResNetConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as typeof config
}

/** Completes and lays out a configuration. Throws InputError that quotes what can't be and says what can. */
export function architecture(given: ResNetConfig): Architecture {
  const config = { classes: 10, channels: 3, shortcut: 'B' as const, ...withoutUndefined(given) }
  const { depth, widen, shortcut } = config
  const imagenet = widen === undefined ? IMAGENET[depth] : undefined
  const known =
    widen === undefined
      ? imagenet || CIFAR_DEPTHS.includes(depth)
      : depth >= 10 && depth <= 1000 && (depth - 4) % 6 === 0
  if (!known) {
    const allowed = `${CIFAR_DEPTHS.join(', ')} (CIFAR), ${IMAGENET_DEPTHS.join(', ')} (ImageNet)`
    const rule = widen === undefined ? allowed : '10, 16, 22, 28, 34, 40, … 1000 (6n + 4) in a wide ResNet'
    throw new InputError(`resnet: depth ${depth}; it must be one of ${rule}`)
  }
  if (shortcut !== 'A' && shortcut !== 'B') throw new InputError(`resnet: shortcut '${shortcut}'; A or B`)
  if (shortcut === 'A' && widen !== undefined) throw new InputError('resnet: a wide ResNet has no shortcut A')
  const each = widen === undefined ? (depth - 2) / 6 : (depth - 4) / 6
  const repeats = imagenet?.blocks ?? [each, each, each]
  const widths = config.widths ?? (imagenet ? [64, 128, 256, 512] : [16, 32, 64].map((w) => w * (widen ?? 1)))
  if (widths.length !== repeats.length) {
    throw new InputError(`resnet: ${widths.length} widths, ${widths.join(', ')}; depth ${depth} has ${repeats.length}`)
  }
  const kind = config.stem ?? (imagenet ? '7x7' : '3x3')
  if (kind !== '3x3' && kind !== '7x7') throw new InputError(`resnet: stem '${kind}'; 3x3 or 7x7`)
  const stem = {
    kernel: kind === '7x7' ? (7 as const) : (3 as const),
    stride: config.stemStride ?? (kind === '7x7' ? 2 : 1),
    to: config.stemWidth ?? (widen === undefined ? widths[0] : 16),
    pool: kind === '7x7',
  }
  const counts = [...widths, stem.to, config.classes, config.channels, stem.stride, config.embedding ?? 1, widen ?? 1]
  if (counts.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new InputError(
      `resnet: widths, stem, classes, channels, strides, embedding must be whole numbers from 1, got ${counts.join(', ')}`,
    )
  }
  const blockOf = widen !== undefined ? preactivated : imagenet?.bottleneck ? bottleneck : basic
  const blocks: Block[] = []
  let from = stem.to
  widths.forEach((width, stage) => {
    for (let i = 0; i < repeats[stage]; i++) {
      const block = blockOf({ stage: stage + 1, index: i, from, width, stride: stage > 0 && i === 0 ? 2 : 1 })
      blocks.push(block)
      from = block.to
    }
  })
  const weightsOf = ({ from, to, kernel }: Layer) => from * to * kernel ** 2
  const weights = blocks.flatMap(({ layers }) => layers.map(weightsOf)).reduce((a, b) => a + b, 0)
  const all = weights + from * (config.embedding ?? config.classes)
  if (all > MOST_WEIGHTS) {
    throw new InputError(`resnet: widths ${widths.join(', ')} make ${all} weights; at most ${MOST_WEIGHTS}, 4 GiB`)
  }
  return { config, preactivation: widen !== undefined, stem, blocks, features: from }
}

interface Place {
  stage: number
  index: number
  from: number
  width: number
  stride: number
}

const reshapes = (from: number, to: number, stride: number) => stride !== 1 || from !== to

/** A block under torchvision's names; `kernels` and widths of its convolutions, the stride on one of them. */
function postactivated({ stage, index, from, stride }: Place, convs: [kernel: number, to: number, stride: number][]) {
  const name = `layer${stage}.${index}`
  let channels = from
  const layers = convs.map(([kernel, to, step], i): Layer => {
    const layer = { conv: `${name}.conv${i + 1}`, norm: `${name}.bn${i + 1}`, from: channels, to, kernel, stride: step }
    channels = to
    return layer
  })
  const shortcut = reshapes(from, channels, stride)
    ? { conv: `${name}.downsample.0`, norm: `${name}.downsample.1` }
    : null
  return { layers, from, to: channels, stride, shortcut }
}

const basic = (place: Place): Block =>
  postactivated(place, [
    [3, place.width, place.stride],
    [3, place.width, 1],
  ])

/** The stride lies on the 3x3 convolution, as in torchvision ("v1.5"). */
const bottleneck = (place: Place): Block =>
  postactivated(place, [
    [1, place.width, 1],
    [3, place.width, place.stride],
    [1, 4 * place.width, 1],
  ])

/** Names as in the wide ResNets of the CIFAR-100 literature. */
function preactivated({ stage, index, from, width, stride }: Place): Block {
  const name = `block${stage}.layer.${index}`
  const layers = [from, width].map((channels, i): Layer => {
    const parts = { conv: `${name}.conv${i + 1}`, norm: `${name}.bn${i + 1}` }
    return { ...parts, from: channels, to: width, kernel: 3, stride: i === 0 ? stride : 1 }
  })
  // There, what has as many channels as comes out is handed on as it is, and only those blocks have stride 1.
  const shortcut = reshapes(from, width, stride) ? { conv: `${name}.convShortcut`, norm: null } : null
  return { layers, from, to: width, stride, shortcut }
}

/** The first convolution and the norm beside it, by name. */
export const STEM = { conv: 'conv1', norm: 'bn1' }

export interface Weight {
  name: string
  shape: number[]
  kind: 'weight' | 'norm' | 'bias' | 'running'
  /** What a fresh network has: one number throughout, numbers for a convolution, or for a linear layer of so many inputs. */
  starts: number | 'convolution' | { inputs: number }
}

/** Every weight by its name, in the order in which fresh ones are drawn. */
export function weightsOf({ config, preactivation, stem, blocks, features }: Architecture): Weight[] {
  const weights: Weight[] = []
  const conv = (name: string, from: number, to: number, kernel: number) => {
    weights.push({ name: `${name}.weight`, shape: [to, from, kernel, kernel], kind: 'weight', starts: 'convolution' })
  }
  const norm = (name: string, c: number) => {
    weights.push({ name: `${name}.weight`, shape: [c], kind: 'norm', starts: 1 })
    weights.push({ name: `${name}.bias`, shape: [c], kind: 'norm', starts: 0 })
    weights.push({ name: `${name}.running_mean`, shape: [c], kind: 'running', starts: 0 })
    weights.push({ name: `${name}.running_var`, shape: [c], kind: 'running', starts: 1 })
  }
  const dense = (name: string, shape: number[], kind: 'weight' | 'bias', inputs: number) => {
    weights.push({ name, shape, kind, starts: { inputs } })
  }
  conv(STEM.conv, config.channels, stem.to, stem.kernel)
  if (!preactivation) norm(STEM.norm, stem.to)
  for (const { layers, from, to, shortcut } of blocks) {
    for (const layer of layers) {
      if (preactivation) norm(layer.norm, layer.from)
      conv(layer.conv, layer.from, layer.to, layer.kernel)
      if (!preactivation) norm(layer.norm, layer.to)
    }
    if (!shortcut || config.shortcut === 'A') continue
    conv(shortcut.conv, from, to, 1)
    if (shortcut.norm) norm(shortcut.norm, to)
  }
  if (preactivation) norm(STEM.norm, features)
  const { classes, embedding } = config
  if (embedding) {
    dense('embedding.weight', [embedding, features], 'weight', features)
    dense('fc.weight', [classes, embedding], 'weight', embedding)
  } else {
    dense('fc.weight', [classes, features], 'weight', features)
    dense('fc.bias', [classes], 'bias', features)
  }
  return weights
}

/** Multiply-adds times two of one forward pass of one picture: convolutions and linear layers. */
export function flopsOf(config: ResNetConfig, height: number, width: number): number {
  const { stem, blocks, features, config: full } = architecture(config)
  const smaller = (stride: number) => {
    h = Math.ceil(h / stride)
    w = Math.ceil(w / stride)
  }
  let [h, w] = [height, width]
  smaller(stem.stride)
  let total = stem.kernel ** 2 * full.channels * stem.to * h * w
  if (stem.pool) smaller(2)
  for (const { layers, shortcut, from, to } of blocks) {
    for (const layer of layers) {
      smaller(layer.stride)
      total += layer.kernel ** 2 * layer.from * layer.to * h * w
    }
    if (shortcut && full.shortcut === 'B') total += from * to * h * w
  }
  const { embedding, classes } = full
  return 2 * (total + (embedding ? features * embedding + embedding * classes : features * classes))
}
