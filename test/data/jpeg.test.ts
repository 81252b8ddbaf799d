import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { decodeJpeg, decodePicture } from '../../src/node/jpeg.ts'
import { decodePng } from '../../src/node/png.ts'
import { refused } from './check.ts'

const test = suite('JPEG')
const read = (name: string) => new Uint8Array(readFileSync(`test/fixtures/pictures/${name}`))

for (const kind of ['420', '422', '444', 'grey', 'progressive', 'cmyk']) {
  test(`${kind}: the bytes that Pillow decodes`, async () => {
    const got = await decodeJpeg(read(`${kind}.jpg`), kind)
    assert.equal(got, await decodePng(read(`${kind}.png`), kind))
    assert.equal([got.width, got.height], [51, 38])
  })
}

test('the bytes say what a picture is, not its name', async () => {
  assert.equal(await decodePicture(read('420.png'), 'n02105855_2933.JPEG'), await decodeJpeg(read('420.jpg'), 'x'))
  assert.equal(await decodePicture(read('420.jpg'), 'x.png'), await decodePng(read('420.png'), 'x'))
  await refused(() => decodePicture(new Uint8Array(99), 'junk.jpg'), /^junk\.jpg: not a PNG/)
})

test('a cut JPEG is refused wherever the cut is, and named', async () => {
  const bytes = read('420.jpg')
  for (let length = 2; length < bytes.length; length += 37) {
    await refused(() => decodePicture(bytes.slice(0, length), 'cut.jpg'), /^cut\.jpg: corrupt or truncated JPEG/)
  }
})

test('a JPEG with one byte changed is refused and named, or decodes', async () => {
  const bytes = read('420.jpg')
  for (let at = 2; at < bytes.length; at += 13) {
    try {
      const { width, height, rgb } = await decodePicture(bytes.with(at, bytes[at] ^ 0x55), 'odd.jpg')
      assert.is(rgb.length, width * height * 3)
    } catch (error) {
      assert.instance(error, InputError, `byte ${at}: ${error}`)
      assert.match((error as Error).message, /^odd\.jpg: /)
    }
  }
})

test.run()
