// Batches from files: what is read when, what a view shows of it, that the same number gives the same pictures.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Scalar } from '../../src/gpu/scalar.ts'
import { centerCrop, drawCrop, drawOperation, pictureStream } from '../../src/ops/augment.ts'
import { fileSource } from '../../src/ops/fileSource.ts'
import { type Augmentation, type PictureFile, pictureSource, type ViewOptions } from '../../src/ops/pictures.ts'
import { allclose, uniform } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('pictures from files')

const sizes = [
  [30, 21],
  [19, 44],
  [25, 25],
  [64, 31],
]
const pictures = sizes.map(([width, height], seed): PictureFile => {
  const noise = uniform(width * height * 3, seed + 1)
  return { width, height, rgb: Uint8Array.from(noise, (v) => 128 + 127 * v) }
})
const side = 14
const files = (read: number[] = []) => ({
  images: new Uint8Array(0),
  n: pictures.length,
  channels: 3,
  height: side,
  width: side,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.25, 0.3],
  files: {
    async read(row: number) {
      read.push(row)
      return pictures[row]
    },
  },
})
const rows = Uint32Array.of(3, 0, 0, 2, 1)
const four = rows.subarray(1)
const full: ViewOptions = { height: side, width: side }
const rule: Pick<Augmentation, 'crop' | 'randAugment'> = {
  crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
  randAugment: { operations: 2, magnitude: 9 },
}
const augmented = (counter: Scalar, more: Partial<Augmentation> = rule): Augmentation => {
  return { shift: 0, flip: false, key: [7, 8], counter, ...more }
}

/** Pillow's resize: weights in 2^-22, horizontally, to bytes, then vertically. */
function resized({ rgb, width }: PictureFile, crop: ReturnType<typeof centerCrop>): Float64Array {
  const axis = (box: number, to: number, o: number) => {
    const [scale, support] = [box / to, Math.max(1, box / to)]
    const weights = Array.from({ length: box }, (_, i) =>
      Math.max(0, 1 - Math.abs(i + 0.5 - (o + 0.5) * scale) / support),
    )
    const total = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight) => Math.floor((weight / total) * 2 ** 22 + 0.5) / 2 ** 22)
  }
  const { left, top, resized: to } = crop
  const out = new Float64Array(3 * side * side)
  for (let x = 0; x < side; x++) {
    const across = axis(crop.width, to.width, x + to.x)
    for (let c = 0; c < 3; c++) {
      const column = Array.from({ length: crop.height }, (_, y) =>
        Math.round(across.reduce((sum, w, i) => sum + w * rgb[((top + y) * width + left + i) * 3 + c], 0)),
      )
      for (let y = 0; y < side; y++) {
        const down = axis(crop.height, to.height, y + to.y)
        out[(c * side + y) * side + x] = Math.round(down.reduce((sum, w, i) => sum + w * column[i], 0))
      }
    }
  }
  return out
}

const bytesOf = (values: ArrayLike<number>, { mean, std } = files()) =>
  Array.from(values, (v, i) => {
    const c = Math.floor(i / (side * side)) % 3
    return (v * std[c] + mean[c]) * 255
  })

test('without augmentation the middle of every picture, each file read once a batch', async () => {
  const read: number[] = []
  const source = pictureSource(engine.gpu, files(read), four.length)
  const step = engine.capture('view', () => source.view(full))
  await source.select(four)
  step.run()
  const want = Array.from(four, (row) => resized(pictures[row], centerCrop(pictures[row], 16, full)))
  const got = await step.outputs.read()
  const exact = want.flatMap((picture) => [...picture])
  allclose(bytesOf(got), exact, { atol: 0.001 }, 'bytes')
  assert.equal(read.sort(), [0, 1, 2])
  assert.equal([...(await source.index.read())], [...four])
})

test('small uploads, one picture at a time, show the same bits', async () => {
  const views: Float32Array[] = []
  for (const limit of [2 ** 28, 4 * Math.ceil(pictures[3].rgb.length / 4) + 4 * 2 * side * 12]) {
    const source = fileSource(engine.gpu, files(), rows.length - 1, limit)
    const step = engine.capture('view', () => source.view({ ...full, augmentation: augmented(new Scalar('n', 3)) }))
    await source.select(rows.subarray(0, 4))
    step.run()
    views.push((await step.outputs.read()) as Float32Array)
  }
  assert.equal(views[0], views[1])
  const tight = fileSource(engine.gpu, files(), 1, 3000)
  engine.capture('view', () => tight.view(full))
  let message = ''
  await Promise.resolve(tight.select(Uint32Array.of(3))).catch((error) => (message = error.message))
  assert.match(message, /a picture of \d+ bytes: at most 3000 can be uploaded/)
})

test('what is drawn depends on the number of the picture in the run alone', async () => {
  const counter = new Scalar('augmented pictures', 0)
  const make = (n: number) => {
    const source = pictureSource(engine.gpu, files(), n)
    const step = engine.capture('view', () => ({
      full: source.view({ ...full, augmentation: augmented(counter) }),
      low: source.view({ height: 7, width: 7, augmentation: augmented(counter) }),
    }))
    return async (at: number, chosen: Uint32Array) => {
      counter.value = at
      await source.select(chosen)
      step.run()
      return [await step.outputs.full.read(), await step.outputs.low.read()] as Float32Array[]
    }
  }
  const whole = await make(4)(10, four)
  const again = make(4)
  await again(0, four)
  assert.equal(await again(10, four), whole)
  const half = make(2)
  const parts = [await half(10, four.subarray(0, 2)), await half(12, four.subarray(2))]
  assert.equal([...parts[0][0], ...parts[1][0]], [...whole[0]])
  assert.not.equal(await again(14, four), whole)
  // The small view is the full one's, averaged: both are of one crop.
  const averaged = Array.from(whole[1], (_, i) => {
    const at = Math.floor(i / 49) * side * side + 2 * Math.floor((i % 49) / 7) * side + 2 * (i % 7)
    return (whole[0][at] + whole[0][at + 1] + whole[0][at + side] + whole[0][at + side + 1]) / 4
  })
  allclose(whole[1], averaged, { atol: 1e-5 }, 'area average')
})

test('the crop is the one drawn for the picture; with Identity twice nothing else happens', async () => {
  const counter = new Scalar('augmented pictures', 0)
  const { crop } = rule
  // Numbers for which both operations are Identity, which step 0 of a sign's operations would be as well.
  const plain = Array.from({ length: 2000 }, (_, i) => i).filter((i) => {
    const random = pictureStream([7, 8], i)
    drawCrop(random, pictures[3], crop!)
    return [0, 1].every(() => drawOperation(random, 9, side, side)[0] === 0)
  })
  assert.ok(plain.length > 2)
  const source = pictureSource(engine.gpu, files(), 1)
  const step = engine.capture('view', () => source.view({ ...full, augmentation: augmented(counter) }))
  counter.value = plain[0]
  await source.select(Uint32Array.of(3))
  step.run()
  const box = drawCrop(pictureStream([7, 8], plain[0]), pictures[3], crop!)
  const want = resized(pictures[3], { ...box, resized: { width: side, height: side, x: 0, y: 0 } })
  allclose(bytesOf(await step.outputs.read()), want, { atol: 0.001 }, 'bytes')
})

test('a prefetched batch is not read again, another one is; a reader that fails is told by select', async () => {
  const read: number[] = []
  const source = pictureSource(engine.gpu, files(read), 2)
  engine.capture('view', () => source.view(full))
  source.prefetch!(Uint32Array.of(0, 1))
  source.prefetch!(Uint32Array.of(0, 1))
  await source.select(Uint32Array.of(0, 1))
  assert.equal(read, [0, 1])
  source.prefetch!(Uint32Array.of(2, 1))
  await source.select(Uint32Array.of(3, 0))
  assert.equal(read, [0, 1, 2, 1, 3, 0])
  const failing = { ...files(), files: { read: () => Promise.reject(new Error('x.jpg: truncated')) } }
  const broken = pictureSource(engine.gpu, failing, 1)
  broken.prefetch!(Uint32Array.of(0))
  await new Promise((resolve) => setTimeout(resolve, 5))
  let message = ''
  await Promise.resolve(broken.select(Uint32Array.of(0))).catch((error) => (message = error.message))
  assert.is(message, 'x.jpg: truncated')
})

test('views of one source agree on what is augmented; pictures of one size have no crop', async () => {
  const source = pictureSource(engine.gpu, files(), 1)
  engine.capture('view', () => source.view(full))
  const augmentation = augmented(new Scalar('n', 0))
  assert.throws(() => engine.capture('view', () => source.view({ ...full, augmentation })), /share one augmentation/)
  const strange = augmented(new Scalar('n', 0), { randAugment: { operations: 1, magnitude: 31 } })
  const other = pictureSource(engine.gpu, files(), 1)
  const view = () => other.view({ ...full, augmentation: strange })
  assert.throws(() => engine.capture('view', view), /magnitude 31/)
  const bytes = { ...files(), files: undefined, images: new Uint8Array(4 * 3 * side * side) }
  const resident = pictureSource(engine.gpu, bytes, 1)
  assert.throws(() => engine.capture('view', () => resident.view({ ...full, augmentation })), /augmentation\.crop/)
  assert.throws(() => pictureSource(engine.gpu, { ...files(), channels: 1 }, 1), /3 channels, not 1/)
})

test('whoever selects again after a failure gets another try', async () => {
  let broken = true
  const read = (row: number) => (broken ? Promise.reject(new Error('busy')) : Promise.resolve(pictures[row]))
  const source = pictureSource(engine.gpu, { ...files(), files: { read } }, 1)
  engine.capture('view', () => source.view(full))
  source.prefetch!(Uint32Array.of(0))
  let message = ''
  await Promise.resolve(source.select(Uint32Array.of(0))).catch((error) => (message = error.message))
  assert.is(message, 'busy')
  broken = false
  await source.select(Uint32Array.of(0))
})

test.run()
