// Activations besides relu. Functions of one element each, with PyTorch's names, defaults and gradients.
import source from '../../shaders/activation.wgsl'
import { record } from '../autograd.ts'
import { checkOptions, InputError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, type Tensor } from '../tensor.ts'
import { checkFloat } from './axes.ts'

const BACKWARD = {
  sigmoid: 'sigmoidBackward',
  tanhForward: 'tanhBackward',
  silu: 'siluBackward',
  gelu: 'geluBackward',
  geluTanh: 'geluTanhBackward',
  leakyRelu: 'leakyReluBackward',
  clampForward: 'clampBackward',
} as const
type Forward = keyof typeof BACKWARD
const activation_ = kernels<Forward | (typeof BACKWARD)[Forward]>(source)

/** 1 / (1 + e⁻ˣ), elementwise. */
export function sigmoid(x: Tensor): Tensor {
  return activation('sigmoid', 'sigmoid', x)
}

/** The hyperbolic tangent, elementwise. */
export function tanh(x: Tensor): Tensor {
  return activation('tanh', 'tanhForward', x)
}

/** x · sigmoid(x), elementwise; also called swish. */
export function silu(x: Tensor): Tensor {
  return activation('silu', 'silu', x)
}

export interface GeluOptions {
  /** `tanh`: the approximation that GPT-2 has, up to 5e-4 away. Default `none`. */
  approximate?: 'none' | 'tanh'
}

/** x · Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016), elementwise. Throws InputError. */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkOptions('gelu', options, ['approximate'])
  const { approximate = 'none' } = options
  if (approximate !== 'none' && approximate !== 'tanh') {
    throw new InputError(`gelu: approximate '${approximate}'; 'none' or 'tanh'`)
  }
  return activation('gelu', approximate === 'tanh' ? 'geluTanh' : 'gelu', x)
}

/** x, below 0 `negativeSlope` · x, elementwise; the gradient at 0 is the slope. Throws InputError. */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  if (!Number.isFinite(negativeSlope))
    throw new InputError(`leakyRelu: negativeSlope ${negativeSlope}; a finite number`)
  return activation('leakyRelu', 'leakyRelu', x, negativeSlope)
}

/**
 * x, at least `min` and at most `max` (which wins where they cross), elementwise; an absent end is none. The gradient
 * is 1 from end to end, 0 outside. Throws InputError for NaN, and where both ends are absent.
 */
export function clamp(x: Tensor, options: { min?: number; max?: number } = {}): Tensor {
  checkOptions('clamp', options, ['min', 'max'])
  const { min, max } = options
  if (min === undefined && max === undefined) throw new InputError('clamp: needs min, max or both')
  const [low, high] = [min ?? Number.NEGATIVE_INFINITY, max ?? Number.POSITIVE_INFINITY]
  if (Number.isNaN(low) || Number.isNaN(high)) throw new InputError(`clamp: min ${min}, max ${max}; numbers`)
  return activation('clamp', 'clampForward', x, low, high)
}

function activation(op: string, entry: Forward, x: Tensor, low = 0, high = 0): Tensor {
  checkFloat(op, x)
  const params = { n: x.size, low, high }
  const y = empty(x.gpu, x.shape, 'f32', x.layout, op)
  activation_[entry]({ x, y }, { ...params, add: 0 }, { threads: [x.size] })
  return record(op, y, [x], (dy, [dx]) => {
    if (dx) activation_[BACKWARD[entry]]({ x, dy, dx: dx.to }, { ...params, add: dx.add }, { threads: [x.size] })
  })
}
