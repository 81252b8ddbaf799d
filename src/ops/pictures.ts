// Batches on the device, from a data set's bytes or from its files.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { assign, persistent, type Tensor } from '../tensor.ts'
import { fileSource } from './fileSource.ts'
import { type Chunk, checkRows, checkStatistics, type PictureBytes, type PictureSource, recordView } from './view.ts'

export type { RandAugment, RandomResizedCrop } from './augment.ts'
export type {
  Augmentation,
  Downscale,
  Modality,
  PictureBytes,
  PictureFile,
  PictureSource,
  ViewOptions,
} from './view.ts'

const words = (bytes: Uint8Array): Uint32Array => {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  return new Uint32Array(padded.buffer)
}

function upload(gpu: Gpu, part: Uint8Array, label: string): Tensor {
  const data = words(part)
  return persistent(gpu, [data.length], data, 'u32', 'row', label)
}

/** Data sets already on a device, by their bytes: every source over the same pictures shares one copy. */
const uploaded = new WeakMap<Uint8Array, { gpu: Gpu; n: number; perChunk: number; each: number; chunks: Chunk[] }[]>()

function uploadOnce(gpu: Gpu, { images, n, channels, height, width }: PictureBytes, perChunk: number): Chunk[] {
  const known = uploaded.get(images) ?? []
  uploaded.set(images, known)
  const each = channels * height * width
  const found = known.find((e) => e.gpu === gpu && e.n === n && e.perChunk === perChunk && e.each === each)
  if (found) return found.chunks
  const chunks: Chunk[] = []
  for (let first = 0; first < n; first += perChunk) {
    const count = Math.min(perChunk, n - first)
    const part = images.subarray(first * each, (first + count) * each)
    chunks.push({ first, count, bytes: upload(gpu, part, `pictures ${first}`) })
  }
  known.push({ gpu, n, perChunk, each, chunks })
  return chunks
}

/**
 * Makes batches of `batch` pictures on the device. Data up to `residentBytes` (default 1 GiB) is uploaded once, in
 * chunks of at most `chunkBytes` (default: what one binding holds); more is streamed. The pixels are the same bits.
 * Throws InputError for a batch larger than the data set, and for bytes, means or deviations that do not fit it.
 */
export function pictureSource(
  gpu: Gpu,
  bytes: PictureBytes,
  batch: number,
  limits: { residentBytes?: number; chunkBytes?: number } = {},
): PictureSource {
  const { residentBytes = 2 ** 30, chunkBytes = gpu.device.limits.maxStorageBufferBindingSize } = limits
  const { n, channels, height, width, images } = bytes
  const each = channels * height * width
  if (!Number.isInteger(batch) || batch < 1) throw new InputError(`batch ${batch}: needs a whole number from 1`)
  if (batch > n) throw new InputError(`batch ${batch} is larger than the data set, which holds ${n} pictures`)
  if (each > chunkBytes) throw new InputError(`a picture of ${each} bytes is larger than a chunk of ${chunkBytes}`)
  if (bytes.files) return fileSource(gpu, { ...bytes, files: bytes.files }, batch)
  checkStatistics(bytes)
  if (images.length < n * each) {
    throw new InputError(
      `${n} pictures ${channels}x${height}x${width} need ${n * each} bytes, there are ${images.length}`,
    )
  }
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
      checkRows(rows, n)
      assign(index, rows)
      if (!staging) return
      for (const [i, row] of rows.entries()) staging.set(images.subarray(row * each, (row + 1) * each), i * each)
      assign(chunks[0].bytes, new Uint32Array(staging.buffer))
    },
    view(options) {
      const { crop, randAugment } = options.augmentation ?? {}
      const strange = crop ? 'crop' : randAugment && 'randAugment'
      if (strange)
        throw new InputError(`augmentation.${strange} is for data sets of files, not for pictures of one size`)
      return recordView(gpu, bytes, { chunks, index, direct: !resident }, options)
    },
    inBatchesOf: (other) => pictureSource(gpu, bytes, other, limits),
  }
}
