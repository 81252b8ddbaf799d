// IDX, the format of MNIST and its kin: two zero bytes, the element type, the number of sizes, the sizes as
// big-endian 32-bit numbers, then the elements. Gzipped or not, told by the first two bytes.

import { InputError } from '../errors.ts'
import { checkLabels, type Dataset, meanStd, type NamedBytes } from './dataset.ts'

/**
 * `bytes` unpacked where they begin like gzip, else as they are. A few of them may unpack to more than memory holds; the
 * largest known sets have half of `most`.
 * @throws InputError for a corrupt or cut archive, and one that unpacks to more than `most` bytes
 */
export async function gunzip({ file, bytes }: NamedBytes, most = 2 ** 30): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  let size = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.length
      if (size > most) controller.error(new Error(`it unpacks to more than ${most} bytes`))
      else controller.enqueue(chunk)
    },
  })
  try {
    const packed = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
    const unpacked = packed.pipeThrough(new DecompressionStream('gzip')).pipeThrough(limit)
    return new Uint8Array(await new Response(unpacked).arrayBuffer())
  } catch (error) {
    const why = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
    throw new InputError(`${file}: corrupt or truncated gzip (${why})`, { cause: error })
  }
}

/**
 * One IDX array of bytes, gzipped or not.
 * @throws InputError that names the file and the fault
 */
export async function readIdx(source: NamedBytes): Promise<{ shape: number[]; data: Uint8Array }> {
  const bytes = await gunzip(source)
  const fail = (fault: string): never => {
    throw new InputError(`${source.file}: ${fault}`)
  }
  if (bytes.length < 4) fail(`truncated, ${bytes.length} bytes are no IDX file`)
  if (bytes[0] !== 0 || bytes[1] !== 0) fail('not an IDX file, it does not begin with two zero bytes')
  if (bytes[2] !== 8) fail(`IDX elements of type 0x${bytes[2].toString(16)}, only bytes (0x8) can be read`)
  const rank = bytes[3]
  if (rank < 1 || rank > 4) fail(`an IDX array of ${rank} sizes, 1 to 4 can be read`)
  const start = 4 + 4 * rank
  if (bytes.length < start) fail('truncated within the sizes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i))
  const need = shape.reduce((a, b) => a * b, 1)
  if (need === 0) fail(`the sizes are ${shape.join('x')}, nothing in it`)
  const have = bytes.length - start
  if (have < need) fail(`truncated, ${shape.join('x')} needs ${need} bytes and ${have} are there`)
  if (have > need) fail(`${have - need} bytes too many after ${shape.join('x')}`)
  return { shape, data: bytes.subarray(start) }
}

/**
 * Pictures [n, height, width] (or [n, channels, height, width]) and labels [n]. `known` mean and std stand in for
 * those of the bytes.
 * @throws InputError that names the file and the fault
 */
export async function idxDataset(
  name: string,
  pictures: NamedBytes,
  labels: NamedBytes,
  classes: string[],
  known?: { mean: number[]; std: number[] },
): Promise<Dataset> {
  const x = await readIdx(pictures)
  const y = await readIdx(labels)
  if (x.shape.length < 3) throw new InputError(`${pictures.file}: pictures have 3 or 4 sizes, not ${x.shape.join('x')}`)
  if (y.shape.length !== 1) throw new InputError(`${labels.file}: labels have one size, not ${y.shape.join('x')}`)
  const [n, height, width] = [x.shape[0], ...x.shape.slice(-2)]
  const channels = x.shape.length === 4 ? x.shape[1] : 1
  if (n !== y.shape[0]) {
    throw new InputError(`${labels.file}: ${y.shape[0]} labels for the ${n} pictures of ${pictures.file}`)
  }
  checkLabels(y.data, classes.length, labels.file)
  const { mean, std } = known ?? meanStd(x.data, channels, height * width)
  return { name, images: x.data, labels: y.data, n, channels, height, width, classes, mean, std }
}

export const fashionMnist = {
  classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  mean: [0.286],
  std: [0.353],
}
