import source from '../../shaders/pictures.wgsl'
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { kernels } from '../gpu/kernel.ts'
import type { Scalar } from '../gpu/tape.ts'
import { assign, empty, persistent, type Tensor } from '../tensor.ts'

const pictures_ = kernels<'view'>(source)

export type Downscale = 'area' | 'bilinear' | 'bilinearAntialias'
const MODES: Record<Downscale, number> = { area: 0, bilinear: 1, bilinearAntialias: 2 }

/** What a view shows: the channels as they are, or one channel made of them: grey, or the strength of its edges (Sobel). */
export type Modality = 'colour' | 'grey' | 'edges'
const MODALITIES: Record<Modality, number> = { colour: 0, grey: 1, edges: 2 }

/** The bytes of a data set: [n, channels, height, width], planar; mean and deviation per channel over [0, 1]. */
export interface PictureBytes {
  images: Uint8Array
  n: number
  channels: number
  height: number
  width: number
  mean: readonly number[]
  std: readonly number[]
}

export interface Augmentation {
  /** Random shift by up to this many pixels each way; what comes in from outside is byte 0 (black). */
  shift: number
  /** Random mirror image, left to right. */
  flip: boolean
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
  /** Host side, before a step runs: which pictures the batch is made of. */
  select(rows: Uint32Array): void
  /** The rows of the current batch, u32 [batch]. */
  readonly index: Tensor
  /** Records the batch seen at a size: [batch, channels, height, width], chwn; grey and edges have one channel. */
  view(options: ViewOptions): Tensor
}

const words = (bytes: Uint8Array): Uint32Array => {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  return new Uint32Array(padded.buffer)
}

interface Chunk {
  first: number
  count: number
  bytes: Tensor
}

function upload(gpu: Gpu, part: Uint8Array, label: string): Tensor {
  const data = words(part)
  return persistent(gpu, [data.length], data, 'u32', 'row', label)
}

/** Data sets already on a device, by their bytes: every source over the same pictures shares one copy. */
const uploaded = new WeakMap<Uint8Array, { gpu: Gpu; perChunk: number; chunks: Chunk[] }[]>()

function uploadOnce(gpu: Gpu, { images, n, channels, height, width }: PictureBytes, perChunk: number): Chunk[] {
  const known = uploaded.get(images) ?? []
  uploaded.set(images, known)
  const found = known.find((entry) => entry.gpu === gpu && entry.perChunk === perChunk)
  if (found) return found.chunks
  const each = channels * height * width
  const chunks: Chunk[] = []
  for (let first = 0; first < n; first += perChunk) {
    const count = Math.min(perChunk, n - first)
    const part = images.subarray(first * each, (first + count) * each)
    chunks.push({ first, count, bytes: upload(gpu, part, `pictures ${first}`) })
  }
  known.push({ gpu, perChunk, chunks })
  return chunks
}

/**
 * Makes batches of `batch` pictures on the device. Data up to `residentBytes` (default 1 GiB) is uploaded once, in
 * chunks of at most `chunkBytes` (default: what one binding holds); more is streamed. The pixels are the same bits.
 * Throws InputError for a batch larger than the data set.
 */
export function pictureSource(
  gpu: Gpu,
  bytes: PictureBytes,
  batch: number,
  { residentBytes = 2 ** 30, chunkBytes = gpu.device.limits.maxStorageBufferBindingSize } = {},
): PictureSource {
  const { n, channels, height, width, images } = bytes
  const each = channels * height * width
  if (!Number.isInteger(batch) || batch < 1) throw new InputError(`batch ${batch}: needs a whole number from 1`)
  if (batch > n) throw new InputError(`batch ${batch} is larger than the data set, which holds ${n} pictures`)
  if (each > chunkBytes) throw new InputError(`a picture of ${each} bytes is larger than a chunk of ${chunkBytes}`)
  const index = persistent(gpu, [batch], null, 'u32', 'row', 'batch index')
  const resident = n * each <= residentBytes
  if (!resident && batch * each > chunkBytes) {
    throw new InputError(`a batch of ${batch * each} bytes is larger than a chunk of ${chunkBytes}`)
  }
  const chunks = resident
    ? uploadOnce(gpu, bytes, Math.floor(chunkBytes / each))
    : [{ first: 0, count: batch, bytes: upload(gpu, new Uint8Array(batch * each), 'streamed pictures') }]
  const staging = resident ? null : new Uint8Array(Math.ceil((batch * each) / 4) * 4)

  return {
    bytes,
    resident,
    index,
    select(rows) {
      assign(index, rows)
      if (!staging) return
      for (const [i, row] of rows.entries()) staging.set(images.subarray(row * each, (row + 1) * each), i * each)
      assign(chunks[0].bytes, new Uint32Array(staging.buffer))
    },
    view({ height: oh, width: ow, downscale = 'area', augmentation = null, modality = 'colour' }) {
      if (!(Number.isInteger(oh) && Number.isInteger(ow) && oh > 0 && ow > 0)) {
        throw new InputError(`view: size ${oh} x ${ow}; both must be whole numbers from 1`)
      }
      const mode = MODES[downscale]
      if (mode === undefined) throw new InputError(`downscale '${downscale}': one of ${Object.keys(MODES).join(', ')}`)
      const MODALITY = MODALITIES[modality]
      if (MODALITY === undefined) {
        throw new InputError(`modality '${modality}': one of ${Object.keys(MODALITIES).join(', ')}`)
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
          direct: resident ? 0 : 1,
          shift: augmentation?.shift ?? 0,
          flip: augmentation?.flip ? 1 : 0,
          key0: augmentation?.key[0] ?? 0,
          key1: augmentation?.key[1] ?? 0,
          counter: augmentation?.counter ?? 0,
        }
        pictures_.view({ bytes: chunk.bytes, index, x }, params, { threads: [x.size] }, { constants: { MODALITY } })
      }
      return x
    },
  }
}

/** Grey has the weighted mean and deviation of its channels; edges have their 0 at 0, in units of that deviation. */
function normalisation({ mean, std, channels }: PictureBytes, modality: Modality): Pick<PictureBytes, 'mean' | 'std'> {
  if (modality === 'colour') return { mean, std }
  const weights = channels < 3 ? [1] : [0.299, 0.587, 0.114]
  const grey = (values: readonly number[]) => weights.reduce((total, weight, c) => total + weight * values[c], 0)
  return { mean: [modality === 'edges' ? 0 : grey(mean)], std: [grey(std)] }
}
