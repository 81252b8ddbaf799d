// Residual networks on the device, every family by one builder: `architecture.ts` says what they are made of. Parameter
// names are torchvision's; those of wide ResNets are of the CIFAR-100 literature.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { batchNorm } from '../ops/batchNorm.ts'
import { conv2d } from '../ops/conv2d.ts'
import { pad, slice } from '../ops/copy.ts'
import { linear } from '../ops/linear.ts'
import { add, div, mul, scale, sqrt } from '../ops/pointwise.ts'
import { globalAvgPool, maxPool2d } from '../ops/pool.ts'
import { sum } from '../ops/reduce.ts'
import type { RandomStream } from '../random.ts'
import { sizeOf, type Tensor } from '../tensor.ts'
import { type Architecture, architecture, flopsOf, type ResNetConfig, STEM, weightsOf } from './architecture.ts'
import { type Folded, foldNorms } from './fold.ts'
import { featuresOf, type Operations } from './forward.ts'
import { kaimingNormal, linearUniform } from './init.ts'
import { Parameters, type Spec } from './parameters.ts'

export type { ResNetConfig } from './architecture.ts'

export interface Mode {
  /** Batch statistics, or the running ones. */
  train: boolean
  /** Of `fold()`: runs on these in eval mode, without gradients of parameters; half the sweeps. */
  folded?: Folded
}

/** What training, evaluation and weights in files need of a network: one of yours, too. */
export interface AnyNetwork {
  readonly parameters: Parameters
  /** Logits [N, classes] of pictures [N, channels, H, W] (layout chwn). Train or eval is an argument, never a state. */
  forward(x: Tensor, mode: Mode): Tensor
  fold?(): Folded
}

export interface Network extends AnyNetwork {
  readonly config: Architecture['config']
  /** [N, features], what the head sees: the mean over each channel of the last block. */
  features(x: Tensor, mode: Mode): Tensor
  /** [N, d], rows of length 1. Throws InputError for a network without an embedding head. */
  embed(x: Tensor, mode: Mode): Tensor
  /**
   * Convolutions with their batch norms in them, of the weights as they are now; what an earlier call gave changes with
   * it. Not inside a captured step. Empty for a wide ResNet, whose norms come before convolutions.
   */
  fold(): Folded
  /** Multiply-adds times two of one forward pass of one picture, convolutions and linear layers. */
  flops(height: number, width: number): number
}

/** Logits of an embedding head are this many times cosines. */
export const COSINE_SCALE = 16

/** Fresh weights; `random` is asked in their order. */
function freshWeights(built: Architecture, random: RandomStream): Spec[] {
  return weightsOf(built).map(({ name, shape, kind, starts }) => {
    if (starts === 'convolution') return { name, shape, kind, values: kaimingNormal(shape, random) }
    if (typeof starts === 'object') return { name, shape, kind, values: linearUniform(shape, starts.inputs, random) }
    return { name, shape, kind, values: new Float32Array(sizeOf(shape)).fill(starts) }
  })
}

/**
 * A residual network with fresh weights: Kaiming normal (fan-out) convolutions, PyTorch's default for linear layers.
 * Throws InputError for a configuration that can't be, OutOfMemoryError where the adapter can't hold its parameters.
 */
export function resnet(gpu: Gpu, options: ResNetConfig, random: RandomStream): Network {
  const built = architecture(options)
  const { config, preactivation, blocks } = built
  const parameters = new Parameters(gpu, freshWeights(built, random))

  const operationsIn = ({ train, folded }: Mode): Operations<Tensor> => {
    const operations: Operations<Tensor> = {
      convolve: (name, x, kernel, stride) =>
        conv2d(x, parameters.get(`${name}.weight`), null, { stride, padding: (kernel - 1) / 2 }),
      normalise(name, x, after) {
        const get = (part: string) => parameters.get(`${name}.${part}`)
        const weights = {
          gamma: get('weight'),
          beta: get('bias'),
          runningMean: get('running_mean'),
          runningVar: get('running_var'),
        }
        return batchNorm(x, weights, { train, ...after })
      },
      /** Two ops, or one with the norm folded in. */
      layer({ conv, norm, kernel, stride }, x, after) {
        const one = train ? undefined : folded?.get(conv)
        if (!one) return operations.normalise(norm, operations.convolve(conv, x, kernel, stride), after)
        const relu = after.relu || after.residual !== undefined
        return conv2d(x, one.weight, one.bias, { stride, padding: (kernel - 1) / 2, ...after, relu })
      },
      reshape: (x, stride, missing) => padChannels(everySecond(x, stride), missing),
      maxPool: (x) => maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }),
      pool: globalAvgPool,
      add,
    }
    return operations
  }
  const features = (x: Tensor, mode: Mode): Tensor => featuresOf(built, x, operationsIn(mode))
  const embed = (x: Tensor, mode: Mode): Tensor => {
    if (!config.embedding) throw new InputError('embed: this network has no embedding head; give `embedding`')
    return unitRows(linear(features(x, mode), parameters.get('embedding.weight')))
  }

  const foldable = () => {
    if (preactivation) return []
    const shortcuts = blocks.flatMap(({ shortcut }) => (shortcut && config.shortcut === 'B' ? [shortcut] : []))
    const pairs = [STEM, ...blocks.flatMap(({ layers }) => layers), ...shortcuts]
    return pairs.flatMap(({ conv, norm }) => (norm ? [{ conv, norm }] : []))
  }
  let folded: Folded | undefined

  return {
    config,
    parameters,
    features,
    embed,
    fold() {
      folded = foldNorms(parameters, foldable(), folded)
      return folded
    },
    forward(x, mode) {
      const weight = parameters.get('fc.weight')
      if (!config.embedding) return linear(features(x, mode), weight, parameters.get('fc.bias'))
      return scale(linear(embed(x, mode), unitRows(weight)), COSINE_SCALE)
    },
    flops: (height, width) => flopsOf(config, height, width),
  }
}

/** x / ‖x‖ of every row; a row of zeros stays one. */
function unitRows(x: Tensor): Tensor {
  return div(x, sqrt(add(sum(mul(x, x), { axes: 1, keepDims: true }), 1e-24)))
}

/** Shortcut A, first half: every stride-th row and column. */
function everySecond(x: Tensor, stride: number): Tensor {
  if (stride === 1) return x
  const [, , h, w] = x.shape
  return slice(x, { starts: [0, 0], ends: [h, w], axes: [2, 3], steps: [stride, stride] })
}

/** Shortcut A, second half: zero channels, half of them before and half after. */
function padChannels(x: Tensor, missing: number): Tensor {
  const before = Math.floor(missing / 2)
  return pad(x, [0, before, 0, 0, 0, missing - before, 0, 0])
}
