// Which pairs are compared, and their cosines; identities held out of a data set.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Dataset, makePair } from '../../src/data/dataset.ts'
import { identities } from '../../src/data/identities.ts'
import { openSet } from '../../src/data/openSet.ts'
import { cosines, pairsOf } from '../../src/study/verify.ts'

const test = suite('study/verify')

const labels = Uint8Array.from([5, 3, 5, 3, 5, 4])
const couples = (flat: Uint32Array) => {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]].sort().join())
}

test('every pair once where there are few', () => {
  const { same, different } = pairsOf({ labels }, 100)
  assert.equal(couples(same).sort(), ['0,2', '0,4', '1,3', '2,4'])
  const expected = []
  for (let a = 0; a < 6; a++) for (let b = a + 1; b < 6; b++) if (labels[a] !== labels[b]) expected.push(`${a},${b}`)
  assert.equal(couples(different).sort(), expected)
})

test('a sample has no pair twice, is the same each time, and takes from everywhere', () => {
  const many = Uint8Array.from({ length: 120 }, (_, i) => i % 6)
  const { same, different } = pairsOf({ labels: many }, 500)
  for (const [list, alike] of [
    [same, true],
    [different, false],
  ] as const) {
    const told = couples(list)
    assert.is(told.length, 500)
    assert.is(new Set(told).size, 500)
    for (let i = 0; i < list.length; i += 2) assert.is(many[list[i]] === many[list[i + 1]], alike)
    assert.ok(new Set(list).size > 115, 'nearly every picture is in some pair')
  }
  assert.equal(pairsOf({ labels: many }, 500), { same, different })
})

test('cosines do not depend on lengths', () => {
  const values = Float32Array.from([3, 4, 30, 40, -4, 3, 0, 0])
  assert.equal([...cosines(values, 2, Uint32Array.from([0, 1, 0, 2, 1, 1, 0, 3]))], [1, 0, 1, 0])
})

test('identities held out are the last ones, with all their pictures, and no one else sees them', async () => {
  const made = identities({ identities: 7, train: 3, test: 2, size: 8 })
  const pair = await makePair(made.train, made.test, 'synthetic')
  const { train, test: seen, others, hash } = openSet(pair, null)
  assert.equal([train.n, seen.n, others.n], [15, 10, 10])
  assert.equal([train.classes.length, seen.classes.length], [5, 5])
  assert.is(hash, pair.hash)
  assert.equal([...others.labels], [5, 6, 5, 6, 5, 6, 5, 6, 5, 6])
  assert.ok([...train.labels, ...seen.labels].every((label) => label < 5))
  const picture = ({ images }: Dataset, row: number) => [...images.subarray(row * 64, (row + 1) * 64)]
  assert.equal(picture(others, 0), picture(made.train, 5))
  assert.equal(picture(others, 7), picture(made.test, 6))
  assert.equal(picture(train, 5), picture(made.train, 7))
  // Normalised by those that train.
  const mean = train.images.reduce((sum, value) => sum + value / 255, 0) / train.images.length
  assert.ok(Math.abs(train.mean[0] - mean) < 1e-9 && train.mean[0] !== made.train.mean[0])
  assert.equal([seen.mean, others.mean, others.std], [train.mean, train.mean, train.std])
  assert.throws(() => openSet(pair, 6), /identities: 6 of 7 identities held out; at least two/)
  assert.throws(() => openSet(pair, 1), /1 of 7 identities held out/)
})

test('pictures in files are held out, too', async () => {
  const asked: string[] = []
  const half = (name: string, each: number): Dataset => ({
    name,
    images: new Uint8Array(0),
    files: {
      names: Array.from({ length: 4 * each }, (_, i) => `${name}${i}`),
      read: async (row) => {
        asked.push(`${name}${row}`)
        return { width: 1, height: 1, rgb: new Uint8Array(3) }
      },
    },
    labels: Uint8Array.from({ length: 4 * each }, (_, i) => i % 4),
    n: 4 * each,
    channels: 3,
    height: 8,
    width: 8,
    classes: ['a', 'b', 'c', 'd'],
    mean: [0, 0, 0],
    std: [1, 1, 1],
  })
  const { others } = openSet(await makePair(half('train', 2), half('val', 1), 'here'), 2)
  assert.equal(others.files!.names, ['train2', 'train3', 'train6', 'train7', 'val2', 'val3'])
  for (const row of [1, 5]) await others.files!.read(row)
  assert.equal(asked, ['train3', 'val3'])
})

test.run()
