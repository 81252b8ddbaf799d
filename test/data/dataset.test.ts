import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  balancedSubset,
  type Dataset,
  heldOut,
  makePair,
  meanStd,
  subset,
  validateDataset,
} from '../../src/data/dataset.ts'
import { noise, refused } from './check.ts'

const test = suite('dataset')

const small = (n = 12): Dataset => ({
  name: 'small',
  images: noise(n * 2 * 3 * 3),
  labels: Uint8Array.from({ length: n }, (_, i) => i % 3),
  n,
  channels: 2,
  height: 3,
  width: 3,
  classes: ['a', 'b', 'c'],
  ...meanStd(noise(n * 18), 2, 9),
})
const backwards = (n: number) => Uint32Array.from({ length: n }, (_, i) => n - 1 - i)

test('mean and std are those of the definition', () => {
  const { images, mean, std } = small()
  for (const c of [0, 1]) {
    const values = [...images].filter((_, i) => Math.floor(i / 9) % 2 === c).map((byte) => byte / 255)
    const average = values.reduce((a, b) => a + b) / values.length
    const variance = values.reduce((a, b) => a + (b - average) ** 2, 0) / values.length
    assert.ok(Math.abs(mean[c] - average) < 1e-12)
    assert.ok(Math.abs(std[c] - Math.sqrt(variance)) < 1e-12)
  }
})

test('a subset holds the pictures asked for, in that order', () => {
  const dataset = small()
  const part = subset(dataset, [7, 0])
  assert.equal(part.images, Uint8Array.of(...dataset.images.slice(7 * 18, 8 * 18), ...dataset.images.slice(0, 18)))
  assert.equal(part.labels, Uint8Array.of(1, 0))
  assert.equal([part.n, part.mean], [2, dataset.mean])
  assert.instance(subset({ ...dataset, labels: new Uint16Array(12) }, [3]).labels, Uint16Array)
})

test('a subset of nothing or of what is not there is refused', async () => {
  await refused(() => subset(small(), []), /^small: a subset of 0/)
  for (const index of [12, -1, 0.5]) await refused(() => subset(small(), [index]), /no picture .*there are 12/)
})

test('a balanced subset takes each class as often, in the given order; held-out pictures are the next ones', () => {
  const { labels } = small()
  const taken = balancedSubset(labels, 3, 7, backwards)
  assert.equal([...taken], [11, 10, 9, 8, 7, 6, 3]) // 3 of class 0, 2 of the others
  assert.equal([...heldOut(12, 3, taken, backwards)], [5, 4, 2])
})

test('a balanced subset or held-out part that cannot be is refused with the numbers', async () => {
  const labels = Uint8Array.of(0, 0, 0, 1)
  await refused(() => balancedSubset(labels, 2, 4, backwards), /of 4 needs 2 of class 1, there are 1/)
  for (const n of [0, -1, 1.5, Number.NaN]) await refused(() => balancedSubset(labels, 2, n, backwards), /at least 1/)
  await refused(() => heldOut(4, 3, [0, 1], backwards), /3 held-out .* 2 of 4/)
  await refused(() => heldOut(4, 0, [0, 1], backwards), /0 held-out/)
})

test('a data set that contradicts itself is refused', async () => {
  const bad = (change: Partial<Dataset>, pattern: RegExp) =>
    refused(() => validateDataset({ ...small(), ...change }), pattern)
  await bad({ n: 0 }, /^small: 0 pictures/)
  await bad({ height: 0 }, /height is 0/)
  await bad({ images: new Uint8Array(5) }, /12 pictures 2x3x3 need 216 bytes, not 5/)
  await bad({ labels: new Uint8Array(3) }, /12 pictures and 3 labels/)
  await bad({ labels: small().labels.with(5, 3) }, /picture 5 has the label 3, allowed are 0 to 2/)
  await bad({ classes: ['a', 'b', 'c', 'd'] }, /class 3 \(d\) has no picture/)
  await bad({ mean: [0.5] }, /mean and std of 2 channels/)
  await bad({ std: [0.5, 0] }, /all pictures are of one colour/)
})

test('the hash tells pictures, labels, sizes and class names apart, and nothing else', async () => {
  const hash = async (train: Dataset, held: Dataset) => (await makePair(train, held, 'here')).hash
  const [train, held] = [small(), small(6)]
  const original = await hash(train, held)
  assert.match(original, /^[0-9a-f]{64}$/)
  assert.is(await hash(small(), { ...held, name: 'other', mean: [0, 0] }), original)
  const hashes = [
    await hash({ ...train, images: train.images.with(0, 1) }, held),
    await hash({ ...train, labels: train.labels.with(0, 1) }, held),
    await hash(train, { ...held, labels: held.labels.with(0, 1) }),
    await hash({ ...train, classes: ['a', 'b', 'x'] }, { ...held, classes: ['a', 'b', 'x'] }),
    await hash({ ...train, height: 1, width: 9 }, { ...held, height: 1, width: 9 }),
    await hash(held, train),
  ]
  assert.is(new Set([original, ...hashes]).size, 7)
  await refused(() => hash(train, { ...held, height: 1, width: 9 }), /training pictures are 2 x 3 x 3 x a,b,c, test/)
})

test.run()
