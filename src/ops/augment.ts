// What RandomResizedCrop and RandAugment draw for a picture, as torchvision draws it (with its distributions, not its
// random numbers), and how an operation is told to the kernel: whole numbers, so that every adapter gives the same bytes.
import { InputError } from '../errors.ts'
import { RandomStream, threefry } from '../random.ts'

export interface RandomResizedCrop {
  /** Part of the picture's area, from and to. torchvision: [0.08, 1]. */
  scale: readonly [number, number]
  /** Width over height, from and to; its logarithm is uniform. torchvision: [3/4, 4/3]. */
  ratio: readonly [number, number]
}

export interface RandAugment {
  /** How many operations, one after the other. torchvision: 2. */
  operations: number
  /** 0 … 30, of 31 steps. torchvision: 9. */
  magnitude: number
}

/** What is resized: a box of the picture. What is kept: the canvas, from (x, y) of the box's picture at width x height. */
export interface Crop {
  left: number
  top: number
  width: number
  height: number
  resized: { width: number; height: number; x: number; y: number }
}

/** torchvision's 14, in its order. The place is the operation's number in shaders/randAugment.wgsl. */
export const OPERATIONS = [
  'Identity',
  'ShearX',
  'ShearY',
  'TranslateX',
  'TranslateY',
  'Rotate',
  'Brightness',
  'Color',
  'Contrast',
  'Sharpness',
  'Posterize',
  'Solarize',
  'AutoContrast',
  'Equalize',
] as const
export type Operation = (typeof OPERATIONS)[number]

/** Operations that are drawn with a sign: torchvision's `signed`. */
const SIGNED = OPERATIONS.slice(1, 10) as readonly Operation[]
const STEPS = 30

/** Numbers a row of the kernel's table holds: the operation, its factor (bits of a float32), the affine map. */
export const ROW = 8

/** Random words kept for each picture; 10 tries of a crop and a dozen operations take fewer. */
const WORDS = 256

/** The random numbers of the `count`-th augmented picture: apart from those of shift and flip, which have the same key. */
export function pictureStream(key: readonly [number, number], count: number): RandomStream {
  const random = new RandomStream(threefry(key, [0xffffffff, 0xffffffff]))
  random.position = count * WORDS
  return random
}

/** A random box of a picture; after ten tries that do not fit, the middle at the nearest allowed ratio. */
export function drawCrop(
  random: RandomStream,
  picture: { width: number; height: number },
  { scale, ratio }: RandomResizedCrop,
): Pick<Crop, 'left' | 'top' | 'width' | 'height'> {
  const between = ([low, high]: readonly [number, number]) => low + (high - low) * random.uniform()
  const logs = [Math.log(ratio[0]), Math.log(ratio[1])] as const
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = picture.width * picture.height * between(scale)
    const aspect = Math.exp(between(logs))
    const [width, height] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))]
    if (width < 1 || height < 1 || width > picture.width || height > picture.height) continue
    const top = random.below(picture.height - height + 1)
    return { left: random.below(picture.width - width + 1), top, width, height }
  }
  const own = picture.width / picture.height
  const width = own > ratio[1] ? Math.round(picture.height * ratio[1]) : picture.width
  const height = own < ratio[0] ? Math.round(picture.width / ratio[0]) : picture.height
  return { left: (picture.width - width) >> 1, top: (picture.height - height) >> 1, width, height }
}

/** Evaluation: the shorter side to `shorter`, then the middle of the canvas's size. Rounded as torchvision rounds. */
export function centerCrop(
  { width, height }: { width: number; height: number },
  shorter: number,
  canvas: { width: number; height: number },
): Crop {
  const least = Math.min(width, height)
  const resized = { width: Math.floor((shorter * width) / least), height: Math.floor((shorter * height) / least) }
  const x = halfEven((resized.width - canvas.width) / 2)
  const y = halfEven((resized.height - canvas.height) / 2)
  return { left: 0, top: 0, width, height, resized: { ...resized, x, y } }
}

/** To the nearest whole number, halves to the even one. */
function halfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

/** A random operation at a magnitude of 0 … 30, as a row of the kernel's table. */
export function drawOperation(random: RandomStream, magnitude: number, width: number, height: number): Int32Array {
  const name = OPERATIONS[random.below(OPERATIONS.length)]
  const size = magnitudeOf(name, magnitude, width, height)
  const negative = SIGNED.includes(name) && random.below(2) === 1
  return operationRow(name, negative ? -size : size, width, height)
}

/** What torchvision's `_augmentation_space` has at this step of 0 … 30. */
export function magnitudeOf(name: Operation, step: number, width: number, height: number): number {
  if (!(Number.isInteger(step) && step >= 0 && step <= STEPS)) {
    throw new InputError(`RandAugment: magnitude ${step}; a whole number from 0 to ${STEPS}`)
  }
  const part = step / STEPS
  switch (name) {
    case 'Identity':
    case 'AutoContrast':
    case 'Equalize':
      return 0
    case 'ShearX':
    case 'ShearY':
      return 0.3 * part
    case 'TranslateX':
      return (150 / 331) * width * part
    case 'TranslateY':
      return (150 / 331) * height * part
    case 'Rotate':
      return 30 * part
    case 'Posterize':
      return 8 - halfEven(4 * part)
    case 'Solarize':
      return 255 * (1 - part)
    default:
      return 0.9 * part
  }
}

/**
 * One operation at a magnitude in its own units (degrees, pixels, a part), as torchvision's `_apply_op` takes it. An
 * affine map takes an output pixel to its source, in 1/65536 of a pixel, as Pillow reckons it.
 */
export function operationRow(name: Operation, magnitude: number, width: number, height: number): Int32Array {
  const row = new Int32Array(ROW)
  row[0] = OPERATIONS.indexOf(name)
  new Float32Array(row.buffer)[1] = name === 'Solarize' ? magnitude : 1 + magnitude
  if (name === 'Posterize') row[1] = (0xff << (8 - Math.trunc(magnitude))) & 0xff
  const [a, b, c, d, e, f] = affine(name, magnitude, width, height)
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5)
  row.set([a, b, c + a * 0.5 + b * 0.5, d, e, f + d * 0.5 + e * 0.5].map(fixed), 2)
  return row
}

/** x of the source = a x + b y + c, y of the source = d x + e y + f. */
function affine(name: Operation, magnitude: number, width: number, height: number): number[] {
  if (name === 'ShearX') return [1, magnitude, 0, 0, 1, 0]
  if (name === 'ShearY') return [1, 0, 0, magnitude, 1, 0]
  if (name === 'TranslateX') return [1, 0, -Math.trunc(magnitude), 0, 1, 0]
  if (name === 'TranslateY') return [1, 0, 0, 0, 1, -Math.trunc(magnitude)]
  if (name !== 'Rotate') return [1, 0, 0, 0, 1, 0]
  const angle = (-magnitude * Math.PI) / 180
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const [x, y] = [width / 2, height / 2]
  return [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y]
}
