import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { cifar10, cifar100, cifarDataset } from '../../src/data/cifar.ts'
import { meanStd, sha256, validateDataset } from '../../src/data/dataset.ts'
import { gunzip, idxDataset, readIdx } from '../../src/data/idx.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { gzip, idxBytes, noise, refused, sample } from './check.ts'

const test = suite('formats')

const pictures = idxBytes([4, 2, 3], noise(24))
const labels = idxBytes([4], [0, 1, 1, 0])
const read = (x: Uint8Array, y: Uint8Array) =>
  idxDataset('tiny', { file: 'x.idx', bytes: x }, { file: 'y.idx', bytes: y }, ['no', 'yes'])

test('IDX is read alike gzipped and not', async () => {
  const plain = await read(pictures, labels)
  assert.equal([plain.n, plain.channels, plain.height, plain.width], [4, 1, 2, 3])
  assert.equal(plain.images, noise(24))
  assert.equal(plain.labels, Uint8Array.of(0, 1, 1, 0))
  assert.equal(await read(gzip(pictures), gzip(labels)), plain)
})

test('a cut IDX file is refused wherever the cut is, gzipped or not', async () => {
  for (let length = 0; length < pictures.length; length++) {
    await refused(() => read(pictures.slice(0, length), labels), /^x\.idx: truncated/)
  }
  const packed = gzip(pictures)
  for (let length = 2; length < packed.length; length++) {
    await refused(() => read(packed.slice(0, length), labels), /^x\.idx: corrupt or truncated gzip/)
  }
})

test('a corrupt gzip is refused', async () => {
  const packed = gzip(pictures)
  await refused(() => read(packed.with(15, packed[15] ^ 255), labels), /^x\.idx: corrupt/)
  await refused(() => read(packed.with(packed.length - 6, packed.at(-6)! ^ 255), labels), /^x\.idx: corrupt/)
})

test('every other fault of IDX names the file', async () => {
  const idx = (bytes: Uint8Array) => () => readIdx({ file: 'x.idx', bytes })
  await refused(idx(pictures.with(0, 7)), /^x\.idx: not an IDX file/)
  await refused(idx(pictures.with(2, 0x0d)), /type 0xd/)
  await refused(idx(pictures.with(3, 9)), /9 sizes/)
  await refused(idx(idxBytes([4, 0, 3], [])), /sizes are 4x0x3/)
  await refused(idx(idxBytes([2, 2], noise(5))), /1 bytes too many/)
  await refused(idx(idxBytes([2 ** 32 - 1, 2 ** 32 - 1, 9], [])), /truncated/)
  await refused(() => read(labels, labels), /^x\.idx: pictures have 3 or 4 sizes, not 4/)
  await refused(() => read(pictures, pictures), /^y\.idx: labels have one size/)
  await refused(() => read(pictures, idxBytes([3], [0, 1, 1])), /^y\.idx: 3 labels for the 4 pictures of x\.idx/)
  await refused(
    () => read(pictures, idxBytes([4], [0, 1, 2, 0])),
    /^y\.idx: picture 2 has the label 2, allowed are 0 to 1/,
  )
})

const record = (label: number[], seed: number) => [...label, ...noise(3072, seed)]

test('CIFAR records of several files follow each other', () => {
  const parts = [
    { file: 'a.bin', bytes: Uint8Array.from([...record([3], 1), ...record([9], 2)]) },
    { file: 'b.bin', bytes: Uint8Array.from(record([0], 3)) },
  ]
  const dataset = cifarDataset('cifar10', parts, cifar10)
  assert.equal([...dataset.labels], [3, 9, 0])
  assert.equal(dataset.images.slice(3072, 6144), noise(3072, 2))
  const fine = cifarDataset('cifar100', [{ file: 'f', bytes: Uint8Array.from(record([19, 99], 4)) }], cifar100)
  assert.equal([[...fine.labels], fine.images], [[99], noise(3072, 4)])
  assert.is(cifar100.classes.length, 100)
})

test('a cut CIFAR file or a wrong label names file and place', async () => {
  const load =
    (bytes: number[], kind = cifar10) =>
    () =>
      cifarDataset('set', [{ file: 'a.bin', bytes: Uint8Array.from(bytes) }], kind)
  await refused(load(record([3], 1).slice(0, -1)), /^a\.bin: truncated or not set, 3072 bytes are 0 records of 3073/)
  await refused(load([]), /^a\.bin: empty/)
  await refused(
    load([...record([3], 1), ...record([10], 1)]),
    /^a\.bin: picture 1 has the label 10, allowed are 0 to 9/,
  )
  await refused(load(record([0, 100], 1), cifar100), /label 100/)
  await refused(() => cifarDataset('set', [], cifar10), /^set: no file/)
})

const batch = sample('data/cifar10/data_batch_1.bin')
;(batch ? test : test.skip)('the sample of CIFAR-10 has the counts and means that its README states', () => {
  const parts = [{ file: 'data_batch_1.bin', bytes: new Uint8Array(readFileSync(batch!)) }]
  const { n, labels, images } = validateDataset(cifarDataset('cifar10', parts, cifar10))
  assert.is(n, 10_000)
  const counts = new Array(10).fill(0)
  for (const label of labels) counts[label]++
  assert.equal(counts, new Array(10).fill(1000))
  const { mean, std } = meanStd(images, 3, 1024)
  const rounded = (values: number[]) => values.map((value) => value.toFixed(4)).join(' ')
  assert.equal([rounded(mean), rounded(std)], ['0.4917 0.4819 0.4462', '0.2443 0.2421 0.2600'])
})

test('synthetic pictures are the same bytes everywhere', async () => {
  const { train, test: held } = synthetic({ train: 20, test: 10 })
  validateDataset(train)
  validateDataset(held)
  assert.is(await sha256(train.images), '5129e78a79e5eb7723767093c8342c74e92bde6fe063abae3d9c9fe050db56ac')
  const more = synthetic({ train: 30, test: 10 })
  assert.equal(more.train.images.slice(0, train.images.length), train.images)
  assert.equal(more.test.images, held.images)
  assert.not.equal(synthetic({ train: 20, test: 10, seed: 2 }).train.images, train.images)
  assert.not.equal(held.images, train.images.slice(0, held.images.length))
  const wide = synthetic({ train: 10, test: 10, size: 16, channels: 3 }).train
  assert.is(validateDataset(wide).images.length, 10 * 3 * 256)
  await refused(() => synthetic({ size: 0 }), /size is 0/)
  await refused(() => synthetic({ train: 9 }), /train is 9/)
})

test('classes of synthetic pictures are told by fine detail: stripes fade when the picture shrinks', () => {
  const { train } = synthetic({ train: 400, test: 10 })
  assert.ok(hits(train.images, train.labels, 28) > 0.7)
  const half = halve(train.images, 28)
  const quarter = halve(half, 14)
  assert.ok(hits(quarter, train.labels, 7) < 0.4)
  assert.ok(hits(quarter, train.labels, 7) < hits(half, train.labels, 14))
})

/** Share of pictures whose strongest stripes, of the ten classes', are those of their label. */
function hits(images: ArrayLike<number>, labels: ArrayLike<number>, size: number): number {
  const pitch = (label: number) => ([5.6, 3.2][Math.floor(label / 5)] * size) / 28
  let right = 0
  for (let i = 0; i < labels.length; i++) {
    const energies = Array.from({ length: 10 }, (_, label) => {
      const angle = ((label % 5) * Math.PI) / 5
      let [re, im] = [0, 0]
      for (let p = 0; p < size * size; p++) {
        const [x, y] = [(p % size) - (size - 1) / 2, Math.floor(p / size) - (size - 1) / 2]
        const turns = (2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / pitch(label)
        const window = (images[i * size * size + p] - 128) / (1 + 12 * ((x / size) ** 2 + (y / size) ** 2)) ** 2
        re += window * Math.cos(turns)
        im += window * Math.sin(turns)
      }
      return re * re + im * im
    })
    if (energies.indexOf(Math.max(...energies)) === labels[i]) right++
  }
  return right / labels.length
}

function halve(images: ArrayLike<number>, size: number): Float64Array {
  const half = size / 2
  return Float64Array.from({ length: images.length / 4 }, (_, i) => {
    const base = Math.floor(i / half) * 2 * size + (i % half) * 2
    return (images[base] + images[base + 1] + images[base + size] + images[base + size + 1]) / 4
  })
}

test('a gzip that unpacks to more than is sensible is given up', async () => {
  const bytes = gzip(new Uint8Array(1_000_000))
  assert.is((await gunzip({ file: 'x', bytes }, 1_000_000)).length, 1_000_000)
  await refused(() => gunzip({ file: 'x.gz', bytes }, 999_999), /^x\.gz: .*it unpacks to more than 999999 bytes/)
})

test.run()
