// A batch as a network wants it: normalised, downscaled, shifted and mirrored, from bytes on the device.
import source from '../../shaders/pictures.wgsl'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Scalar } from '../gpu/scalar.ts'
import { empty, type Tensor } from '../tensor.ts'
import type { RandAugment, RandomResizedCrop } from './augment.ts'

const pictures_ = kernels<'view'>(source)

export type Downscale = 'area' | 'bilinear' | 'bilinearAntialias'
const MODES: Record<Downscale, number> = { area: 0, bilinear: 1, bilinearAntialias: 2 }

/** What a view shows: the channels as they are, or one channel made of them: grey, or the strength of its edges (Sobel). */
export type Modality = 'colour' | 'grey' | 'edges'
const MODALITIES: Record<Modality, number> = { colour: 0, grey: 1, edges: 2 }

/** A decoded picture: [height, width, 3] bytes, red, green, blue interleaved. */
export interface PictureFile {
  width: number
  height: number
  rgb: Uint8Array
}

/** The bytes of a data set: [n, channels, height, width], planar; mean and deviation per channel over [0, 1]. */
export interface PictureBytes {
  /**
   * Empty where `files` are read instead. They are copied to the device once, at the first use: a copy of your own is
   * what later changes, as in a buffer that is filled again, need.
   */
  images: Uint8Array
  n: number
  channels: number
  height: number
  width: number
  mean: readonly number[]
  std: readonly number[]
  /** Pictures of any size, read when they are wanted; each is brought to height x width on the device. */
  files?: { read(row: number): Promise<PictureFile> }
}

export interface Augmentation {
  /** Random shift by up to this many pixels each way; what comes in from outside is byte 0 (black). */
  shift: number
  /** Random mirror image, left to right. */
  flip: boolean
  /** A random box of the picture, for data sets of files; in place of the middle. */
  crop?: RandomResizedCrop
  /** torchvision's RandAugment after the crop, for data sets of files. */
  randAugment?: RandAugment
  /** The stream's key, and the number of pictures augmented so far. */
  key: readonly [number, number]
  counter: Scalar
}

export interface ViewOptions {
  height: number
  width: number
  /** How pictures are made smaller. Default `area`. */
  downscale?: Downscale
  augmentation?: Augmentation | null
  /** Default `colour`. Made of the full picture, before it is made smaller. */
  modality?: Modality
}

/** A data set the device can draw batches from. */
export interface PictureSource {
  readonly bytes: PictureBytes
  /** Whether the bytes lie on the device, or are uploaded batch by batch. */
  readonly resident: boolean
  /** Host side, before a step runs: which pictures the batch is made of. A data set of files reads them: wait for it. */
  select(rows: Uint32Array): void | Promise<void>
  /** Where pictures are read from files: begins to read those of a `select` to come. */
  prefetch?(rows: Uint32Array): void
  /** The rows of the current batch, u32 [batch]. */
  readonly index: Tensor
  /** Records the batch seen at a size: [batch, channels, height, width], chwn; grey and edges have one channel. */
  view(options: ViewOptions): Tensor
  /** The same pictures in batches of another size. What is resident is shared. */
  inBatchesOf(batch: number): PictureSource
  /** Where pictures are read from files: gives back what it records by itself. It is of no use any more. */
  release?(): void
}

/** Pictures `first` … `first + count - 1` of a data set on the device. */
export interface Chunk {
  first: number
  count: number
  bytes: Tensor
}

/** Numbers of the kernel's uniforms. */
const MOST_CHANNELS = 4

/** Throws InputError for a mean or deviation that does not fit the channels, or more channels than a view has. */
export function checkStatistics({ channels, mean, std }: PictureBytes): void {
  if (channels > MOST_CHANNELS) throw new InputError(`pictures of ${channels} channels; at most ${MOST_CHANNELS}`)
  for (const [name, values] of Object.entries({ mean, std })) {
    if (values.length !== channels)
      throw new InputError(`${name} of ${values.length} channels, pictures have ${channels}`)
  }
}

/** Throws InputError for a row that the data set of `n` pictures does not have. */
export function checkRows(rows: ArrayLike<number>, n: number, op = 'select'): void {
  for (let i = 0; i < rows.length; i++) {
    if (!(rows[i] < n)) throw new InputError(`${op}: row ${rows[i]} at ${i}; the data set has ${n} pictures`)
  }
}

/** Records the batch seen at a size; `direct`: the bytes lie in the order of the batch, otherwise `index` finds them. */
export function recordView(
  gpu: Gpu,
  bytes: PictureBytes,
  { chunks, index, direct }: { chunks: readonly Chunk[]; index: Tensor; direct: boolean },
  { height: oh, width: ow, downscale = 'area', augmentation = null, modality = 'colour' }: ViewOptions,
): Tensor {
  const { channels, height, width } = bytes
  const batch = index.size
  if (!(Number.isInteger(oh) && Number.isInteger(ow) && oh > 0 && ow > 0)) {
    throw new InputError(`view: size ${oh} x ${ow}; both must be whole numbers from 1`)
  }
  const mode = MODES[downscale]
  if (mode === undefined) throw new InputError(`downscale '${downscale}': one of ${Object.keys(MODES).join(', ')}`)
  const MODALITY = MODALITIES[modality]
  if (MODALITY === undefined) {
    throw new InputError(`modality '${modality}': one of ${Object.keys(MODALITIES).join(', ')}`)
  }
  const shift = augmentation?.shift ?? 0
  if (!(Number.isInteger(shift) && shift >= 0)) {
    throw new InputError(`augmentation.shift ${shift}; a whole number of pixels from 0`)
  }
  const x = empty(gpu, [batch, MODALITY ? 1 : channels, oh, ow], 'f32', 'chwn', 'pictures')
  const { mean, std } = normalisation(bytes, modality)
  const four = (values: readonly number[]) => [0, 1, 2, 3].map((c) => values[c] ?? 1)
  for (const chunk of chunks) {
    const params = {
      mean: four(mean),
      deviation: four(std),
      n: batch,
      channels,
      h: height,
      w: width,
      oh,
      ow,
      mode,
      first: chunk.first,
      count: chunk.count,
      direct: direct ? 1 : 0,
      shift,
      flip: augmentation?.flip ? 1 : 0,
      key0: augmentation?.key[0] ?? 0,
      key1: augmentation?.key[1] ?? 0,
      counter: augmentation?.counter ?? 0,
    }
    pictures_.view({ bytes: chunk.bytes, index, x }, params, { threads: [x.size] }, { constants: { MODALITY } })
  }
  return x
}

/** Grey has the weighted mean and deviation of its channels; edges have their 0 at 0, in units of that deviation. */
function normalisation({ mean, std, channels }: PictureBytes, modality: Modality): Pick<PictureBytes, 'mean' | 'std'> {
  if (modality === 'colour') return { mean, std }
  const weights = channels < 3 ? [1] : [0.299, 0.587, 0.114]
  const grey = (values: readonly number[]) => weights.reduce((total, weight, c) => total + weight * values[c], 0)
  return { mean: [modality === 'edges' ? 0 : grey(mean)], std: [grey(std)] }
}
