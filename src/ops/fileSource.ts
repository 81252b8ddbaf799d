// Batches from a data set of files: a batch's pictures are read, uploaded as they are, and on the device cropped to one
// canvas, augmented and seen at a size. The host draws what is random from the picture's number in the run, so that
// a run that is continued sees the same pictures.
import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { Scalar } from '../gpu/scalar.ts'
import type { Tape } from '../gpu/tape.ts'
import { assign, persistent, type Tensor } from '../tensor.ts'
import { type Crop, centerCrop, drawCrop, drawOperation, magnitudeOf, pictureStream, ROW } from './augment.ts'
import { CROP_ROW, type CroppedPicture, canvasWords, cropTo, prepareCrop, randAugment } from './canvas.ts'
import {
  type Augmentation,
  checkRows,
  checkStatistics,
  type PictureBytes,
  type PictureFile,
  type PictureSource,
  recordView,
} from './view.ts'

/** Files read at the same time. A decoder with threads of its own has enough to do; open files stay few. */
const READERS = 32

type Files = NonNullable<PictureBytes['files']>

/** What is uploaded at once: pictures `first` … of the batch. */
interface Load {
  first: number
  count: number
  words: number
}

/**
 * A source over files; `pictureSource` makes it. All views of it have the same augmentation, or none. Uploads are of
 * `uploadBytes` at most (default: 256 MiB, or what one binding holds).
 */
export function fileSource(
  gpu: Gpu,
  bytes: PictureBytes & { files: Files },
  batch: number,
  uploadBytes = Math.min(gpu.device.limits.maxStorageBufferBindingSize, 2 ** 28),
): PictureSource {
  const { files, channels, height, width } = bytes
  if (channels !== 3) throw new InputError(`a data set of files has 3 channels, not ${channels}`)
  checkStatistics(bytes)
  const shape = { n: batch, height, width }
  const index = persistent(gpu, [batch], null, 'u32', 'row', 'batch index')
  const canvases = [persistent(gpu, [canvasWords(shape)], null, 'u32', 'row', 'canvas')]
  const table = persistent(gpu, [batch, CROP_ROW], null, 'u32', 'row', 'crops')
  const first = new Scalar('first picture', 0)
  const count = new Scalar('pictures uploaded', 0)
  let augmentation: Augmentation | null | undefined
  let operations: Tensor[] = []
  let augment: Tape | null = null
  let upload: { to: Tensor; crop: Tape } | null = null
  let expected: { rows: Uint32Array; pictures: Promise<PictureFile[]> } | null = null

  const taped = (label: string, fn: () => void) => gpu.trace(label, fn, () => []).tape

  /** Room for a load, and the crop that reads from there. */
  const room = (needed: number) => {
    if (upload && upload.to.size >= needed) return upload
    upload?.crop.release()
    const to = persistent(gpu, [needed], null, 'u32', 'row', 'uploaded pictures')
    upload = { to, crop: taped('crop', () => cropTo(canvases[0], to, table, shape, { first, count })) }
    return upload
  }

  const settle = (wanted: Augmentation | null) => {
    if (augmentation === undefined) {
      augmentation = wanted
      const { operations: rounds, magnitude } = wanted?.randAugment ?? { operations: 0, magnitude: 0 }
      magnitudeOf('Identity', magnitude, width, height)
      if (rounds === 0) return
      canvases.push(persistent(gpu, [canvasWords(shape)], null, 'u32', 'row', 'canvas'))
      const made = () => persistent(gpu, [batch, ROW], null, 'i32', 'row', 'operations')
      operations = Array.from({ length: rounds }, made)
      augment = taped('RandAugment', () => {
        for (const [i, rows] of operations.entries()) randAugment(canvases[i % 2], canvases[(i + 1) % 2], rows, shape)
      })
    } else if (JSON.stringify(ruleOf(augmentation)) !== JSON.stringify(ruleOf(wanted))) {
      throw new InputError(
        'view: the views of a source of files share one augmentation, recorded before the first select',
      )
    }
  }

  return {
    bytes,
    resident: false,
    index,
    prefetch(rows) {
      checkRows(rows, bytes.n)
      if (expected && same(expected.rows, rows)) return
      const pictures = readAll(files, rows)
      pictures.catch(() => {}) // told by the select that wants them
      expected = { rows: rows.slice(), pictures }
    },
    async select(rows) {
      checkRows(rows, bytes.n)
      const ahead = expected
      expected = null // also where reading failed: whoever asks again gets another try
      const pictures = await (ahead && same(ahead.rows, rows) ? ahead.pictures : readAll(files, rows))
      augmentation ??= null
      assign(index, rows)
      const random = augmentation?.crop || augmentation?.randAugment ? augmentation : null
      const streams = pictures.map((_, i) => random && pictureStream(random.key, random.counter.value + i))
      const ready = pictures.map((picture, i) => {
        const crop: Crop = random?.crop
          ? { ...drawCrop(streams[i]!, picture, random.crop), resized: { width, height, x: 0, y: 0 } }
          : centerCrop(picture, Math.round((Math.min(height, width) * 256) / 224), { width, height })
        return prepareCrop(picture, crop, { width, height })
      })
      const { loads, offsets } = partition(ready, Math.floor(uploadBytes / 4))
      const rowsOfTable = ready.flatMap((picture, i) => picture.row(offsets[i]))
      assign(table, rowsOfTable)
      const { to, crop } = room(Math.max(...loads.map((load) => load.words)))
      for (const load of loads) {
        for (let i = load.first; i < load.first + load.count; i++) {
          const { rgb, weights, words } = ready[i]
          gpu.write(to, wholeWords(rgb), 4 * offsets[i])
          gpu.write(to, weights, 4 * (offsets[i] + words - weights.length))
        }
        first.value = load.first
        count.value = load.count
        crop.replay()
      }
      for (const rows of operations) {
        const drawn = new Int32Array(batch * ROW)
        for (const [i, stream] of streams.entries()) {
          drawn.set(drawOperation(stream!, random!.randAugment!.magnitude, width, height), i * ROW)
        }
        assign(rows, drawn)
      }
      augment?.replay()
    },
    view(options) {
      settle(options.augmentation ?? null)
      const chunks = [{ first: 0, count: batch, bytes: canvases[operations.length % 2] }]
      return recordView(gpu, bytes, { chunks, index, direct: true }, options)
    },
    inBatchesOf: (other) => fileSource(gpu, bytes, other, uploadBytes),
    release() {
      upload?.crop.release()
      augment?.release()
    },
  }
}

/** What of an augmentation happens before the views part. */
const ruleOf = (augmentation: Augmentation | null) => {
  return augmentation && [augmentation.crop, augmentation.randAugment, augmentation.key]
}

const same = (a: Uint32Array, b: Uint32Array) => a.length === b.length && a.every((row, i) => row === b[i])

/** The pictures of these rows, each read once, a few at a time. */
async function readAll(files: Files, rows: Uint32Array): Promise<PictureFile[]> {
  const wanted = [...new Set(rows)]
  const read = new Map<number, PictureFile>()
  let next = 0
  const reader = async () => {
    while (next < wanted.length) {
      const row = wanted[next++]
      read.set(row, await files.read(row))
    }
  }
  await Promise.all(Array.from({ length: Math.min(READERS, wanted.length) }, reader))
  return Array.from(rows, (row) => read.get(row)!)
}

/** In order, as many pictures to a load as fit into `most` words. A picture begins on a word. */
function partition(pictures: CroppedPicture[], most: number): { loads: Load[]; offsets: number[] } {
  const loads: Load[] = []
  const offsets: number[] = []
  for (const [i, { words }] of pictures.entries()) {
    if (words > most) throw new InputError(`a picture of ${4 * words} bytes: at most ${4 * most} can be uploaded`)
    const last = loads.at(-1)
    const fits = last && last.words + words <= most
    const load = fits ? last : { first: i, count: 0, words: 0 }
    if (!fits) loads.push(load)
    offsets.push(load.words)
    load.words += words
    load.count++
  }
  return { loads, offsets }
}

/** The same bytes, with up to three more so that they are whole words. */
function wholeWords(rgb: Uint8Array): Uint8Array {
  if (rgb.length % 4 === 0) return rgb
  const padded = new Uint8Array(4 * Math.ceil(rgb.length / 4))
  padded.set(rgb)
  return padded
}
