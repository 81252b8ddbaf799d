// Made-up identities: the same bytes everywhere, whatever else is asked for.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePair, sha256 } from '../../src/data/dataset.ts'
import { identities } from '../../src/data/identities.ts'

const test = suite('data/identities')

test('the bytes are these', async () => {
  const { train, test: seen } = identities({ identities: 5, train: 3, test: 2, size: 12 })
  assert.equal([train.n, seen.n, train.channels, train.height, train.width], [15, 10, 1, 12, 12])
  assert.equal([...seen.labels], [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
  assert.is(train.classes[4], 'person 004')
  assert.is(await sha256(train.images), 'e6ada421247d3fe3cc8f2757f2b11f279ddf0f270b2453d110e4703dbaa1b4c7')
  assert.is((await makePair(train, seen, 'synthetic')).origin, 'synthetic')
})

test('an identity stays itself beside more of them, and a test picture beside more training pictures', () => {
  const few = identities({ identities: 3, train: 2, test: 1, size: 8 })
  const many = identities({ identities: 300, train: 3, test: 1, size: 8 })
  const picture = (images: Uint8Array, row: number) => [...images.subarray(64 * row, 64 * row + 64)]
  for (const identity of [0, 1, 2]) {
    assert.equal(picture(few.test.images, identity), picture(many.test.images, identity))
    assert.equal(picture(few.train.images, 3 + identity), picture(many.train.images, 300 + identity))
  }
  assert.ok(many.train.labels instanceof Uint16Array && many.train.labels[299] === 299)
  assert.not.equal(picture(few.train.images, 0), picture(few.train.images, 3))
  assert.not.equal(picture(few.train.images, 0), picture(few.train.images, 1))
})

test('counts that cannot be are refused', () => {
  assert.throws(() => identities({ identities: 1 }), /identities is 1, at least 2/)
  assert.throws(() => identities({ train: 0.5 }), /train is 0\.5, at least 1/)
})

test.run()
