// The same engine in a real headless Chromium.
import { readFileSync } from 'node:fs'
import { PNG } from 'pngjs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodePicture } from '../../src/node/jpeg.ts'
import { decodePng } from '../../src/node/png.ts'
import { allclose } from '../check.ts'
import { engine } from '../device.ts'
import { whyNoChromium } from './chromium.ts'
import { pictureFolder } from './folder.ts'
import { shapes, values } from './program.ts'
import { inBrowser } from './run.ts'

const test = suite('browser')
const check = whyNoChromium ? test.skip : test

/** relu(conv2d) in float64 with the gradient of its sum for w: stride 2, padding 1. */
function reference() {
  const [[n, c, h, w], [k]] = [shapes.x, shapes.w]
  const [oh, ow] = [Math.floor((h - 1) / 2) + 1, Math.floor((w - 1) / 2) + 1]
  const [x, weight, bias] = [values(n * c * h * w, 1), values(k * c * 9, 2), values(k, 3)]
  const y = new Float64Array(n * k * oh * ow)
  const dw = new Float64Array(weight.length)
  for (let at = 0; at < y.length; at++) {
    const [j, i, o, b] = [
      at % ow,
      Math.floor(at / ow) % oh,
      Math.floor(at / (ow * oh)) % k,
      Math.floor(at / (ow * oh * k)),
    ]
    const taps: [number, number][] = []
    for (let t = 0; t < c * 9; t++) {
      const [row, column] = [2 * i - 1 + (Math.floor(t / 3) % 3), 2 * j - 1 + (t % 3)]
      if (row < 0 || row >= h || column < 0 || column >= w) continue
      taps.push([o * c * 9 + t, ((b * c + Math.floor(t / 9)) * h + row) * w + column])
    }
    y[at] = Math.max(
      0,
      taps.reduce((sum, [p, q]) => sum + weight[p] * x[q], bias[o]),
    )
    if (y[at] > 0) for (const [p, q] of taps) dw[p] += x[q]
  }
  return { y, dw }
}

check('convolution and relu agree with float64 in Chromium, forward and backward', async () => {
  const { adapter, result } = await inBrowser('convolution')
  assert.match(adapter, /swiftshader/i)
  const { y, dw } = result as { y: number[]; dw: number[] }
  const want = reference()
  allclose(y, want.y, {}, 'y')
  allclose(dw, want.dw, {}, 'dw')
})

check(
  'a folder of JPEGs and PNGs is decoded by Chromium as by Pillow, byte for byte, and seen as in Node',
  async () => {
    const files: Record<string, string> = {}
    for (const name of ['420', '444', 'grey', 'progressive']) {
      const read = (end: string) => readFileSync(`test/fixtures/pictures/${name}.${end}`).toString('base64')
      files[`train/jpeg/${name}.jpg`] = read('jpg')
      files[`train/png/${name}.png`] = read('png')
    }
    files['train/jpeg/turned.jpg'] = turned(readFileSync('test/fixtures/pictures/420.jpg')).toString('base64')
    for (const kind of ['jpeg', 'png']) files[`val/${kind}/0.png`] = files['train/png/420.png']
    const { result } = await inBrowser('pictureFolder', files)
    type Folder = Awaited<ReturnType<typeof pictureFolder>>
    const [got, here] = [result as Folder, await pictureFolder(engine, decodePicture, files)]
    assert.equal(got.names, here.names)
    for (const [i, { width, height, rgb }] of got.pictures.entries()) {
      const name = got.names[i].split('/').at(-1)!.split('.')[0]
      const file = `${name === 'turned' ? '420' : name}.png`
      const want = await decodePng(new Uint8Array(readFileSync(`test/fixtures/pictures/${file}`)), file)
      assert.equal([width, height], [want.width, want.height])
      assert.equal(rgb, [...want.rgb], got.names[i])
    }
    allclose(got.view, here.view, { atol: 1e-5 }, 'the augmented view')
  },
)

/** The JPEG with an EXIF segment that asks for a quarter turn. */
function turned(jpeg: Buffer): Buffer {
  const exif = Buffer.from('Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0', 'latin1')
  const length = Buffer.from([0xff, 0xe1, 0, exif.length + 2])
  return Buffer.concat([jpeg.subarray(0, 2), length, exif, jpeg.subarray(2)])
}

check('a picture with transparent pixels is refused: a canvas would blend them', async () => {
  const picture = new PNG({ width: 2, height: 1 })
  picture.data.set([255, 255, 255, 255, 255, 255, 255, 0])
  const { result } = await inBrowser('refused', { file: 'a.png', text: PNG.sync.write(picture).toString('base64') })
  assert.is(result, 'a.png: has transparent pixels; save it without transparency')
})

test.run()
