// Crops and RandAugment against what torchvision made of the same pictures with the same parameters.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Scalar } from '../../src/gpu/scalar.ts'
import { decodePng } from '../../src/node/png.ts'
import {
  type Crop,
  centerCrop,
  drawCrop,
  drawOperation,
  magnitudeOf,
  OPERATIONS,
  type Operation,
  operationRow,
  pictureStream,
  ROW,
} from '../../src/ops/augment.ts'
import { CROP_ROW, canvasWords, cropTo, prepareCrop, randAugment } from '../../src/ops/canvas.ts'
import type { PictureFile } from '../../src/ops/view.ts'
import type { Tensor } from '../../src/tensor.ts'
import { engine } from '../device.ts'

const test = suite('crops and RandAugment')

const folder = 'test/fixtures/pictures'
const png = (name: string) => decodePng(new Uint8Array(readFileSync(join(folder, name))), name)
const cases: {
  sources: [number, number][]
  side: number
  flat: number[]
  crops: { source: number; box?: [number, number, number, number]; resize?: number }[]
  chains: { canvas: number; operations: [Operation, number][] }[]
} = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8'))
const { side } = cases
const each = 3 * side * side

/** Rows `top` … of a sheet, `width` wide. */
const cut = ({ rgb, width: full }: PictureFile, top: number, width: number, height: number): PictureFile => {
  const rows = Array.from({ length: height }, (_, y) => rgb.slice((top + y) * full * 3, ((top + y) * full + width) * 3))
  return { width, height, rgb: Uint8Array.from(rows.flatMap((row) => [...row])) }
}
const planar = ({ rgb }: PictureFile) => {
  const plane = rgb.length / 3
  return Uint8Array.from(rgb, (_, i) => rgb[(i % plane) * 3 + Math.floor(i / plane)])
}

const sheet = await png('sources.png')
const sources = cases.sources.map(([width, height], i) => {
  const top = cases.sources.slice(0, i).reduce((sum, [, h]) => sum + h, 0)
  return cut(sheet, top, width, height)
})
const results = await png('cases.png')
const result = (i: number) => planar(cut(results, i * side, side, side))

const words = (bytes: Uint8Array) => {
  const padded = new Uint8Array(4 * Math.ceil(bytes.length / 4))
  padded.set(bytes)
  return new Uint32Array(padded.buffer)
}
const bytesOf = async (x: Tensor) => new Uint8Array(((await x.read()) as Uint32Array).buffer)

/** The canvases that the kernel makes of these crops, uploaded `at a time`. */
async function cropped(
  crops: { picture: PictureFile; crop: Crop }[],
  height: number,
  width: number,
  atATime = crops.length,
) {
  const shape = { n: crops.length, height, width }
  const canvas = engine.full([canvasWords(shape)], 0xdeadbeef, { dtype: 'u32' })
  const [first, count] = [new Scalar('first', 0), new Scalar('count', 0)]
  for (let at = 0; at < crops.length; at += atATime) {
    const load = crops.slice(at, at + atATime)
    const ready = load.map(({ picture, crop }) => prepareCrop(picture, crop, { width, height }))
    const offsets = ready.map((_, i) => ready.slice(0, i).reduce((sum, { words }) => sum + words, 0))
    const table = new Uint32Array(crops.length * CROP_ROW)
    for (const [i, one] of ready.entries()) table.set(one.row(offsets[i]), (at + i) * CROP_ROW)
    const all = ready.flatMap(({ rgb, weights }) => [...words(rgb), ...weights])
    const uploads = engine.tensor(all, undefined, { dtype: 'u32' })
    first.value = at
    count.value = load.length
    const rows = engine.tensor(table, [crops.length, CROP_ROW], { dtype: 'u32' })
    engine.step(() => cropTo(canvas, uploads, rows, shape, { first, count }))
  }
  return canvas
}

/** How many bytes differ, and by how much at most. */
const difference = (got: Uint8Array, want: Uint8Array) => {
  const apart = Array.from(want, (value, i) => Math.abs(value - got[i]))
  return { count: apart.filter((by) => by > 0).length, most: Math.max(...apart) }
}

const cropCase = ({ source, box, resize }: (typeof cases.crops)[number]) => {
  const picture = sources[source]
  const canvas = { width: side, height: side }
  if (!box) return { picture, crop: centerCrop(picture, resize!, canvas) }
  const [top, left, height, width] = box
  return { picture, crop: { top, left, height, width, resized: { ...canvas, x: 0, y: 0 } } }
}

test('the crop of training and the resized middle of evaluation are those of torchvision, byte for byte', async () => {
  const got = await bytesOf(await cropped(cases.crops.map(cropCase), side, side))
  for (const [i, one] of cases.crops.entries()) {
    const { count, most } = difference(got.slice(i * each, (i + 1) * each), result(i))
    assert.ok(count === 0, `${JSON.stringify(one)}: ${count} bytes differ, by up to ${most}`)
  }
})

test('uploads of a few pictures at a time make the same canvases, also where two share a word', async () => {
  const all = cases.crops.map(cropCase)
  const square = await bytesOf(await cropped(all, side, side))
  for (const atATime of [1, 3]) assert.equal(await bytesOf(await cropped(all, side, side, atATime)), square)
  const odd = all.map(({ picture, crop }) => ({ picture, crop: { ...crop, resized: { ...crop.resized, x: 0, y: 0 } } }))
  const whole = await bytesOf(await cropped(odd, 5, 7)) // 105 bytes each
  for (const atATime of [1, 4]) {
    const parts = await bytesOf(await cropped(odd, 5, 7, atATime))
    assert.equal(parts.slice(0, 105 * odd.length), whole.slice(0, 105 * odd.length))
  }
})

test('the 14 operations of RandAugment, at both signs and two in a row, are those of torchvision', async () => {
  const whole = sources.map((picture) => {
    const crop = { left: 0, top: 0, width: picture.width, height: picture.height }
    return { picture, crop: { ...crop, resized: { width: side, height: side, x: 0, y: 0 } } }
  })
  const made = await bytesOf(await cropped(whole, side, side))
  const flat = Uint8Array.from({ length: each }, (_, i) => cases.flat[Math.floor(i / (side * side))])
  const canvases = [0, 1, 2].map((i) => made.slice(i * each, (i + 1) * each)).concat([flat])
  const { chains } = cases
  const shape = { n: chains.length, height: side, width: side }
  const start = new Uint8Array(chains.length * each)
  for (const [i, { canvas }] of chains.entries()) start.set(canvases[canvas], i * each)
  const pages = [0, 1].map(() => engine.tensor(words(start), undefined, { dtype: 'u32' }))
  for (const round of [0, 1]) {
    const rows = new Int32Array(chains.length * ROW)
    for (const [i, { operations }] of chains.entries()) {
      const [name, magnitude] = operations[round] ?? ['Identity', 0]
      rows.set(operationRow(name, magnitude, side, side), i * ROW)
    }
    const table = engine.tensor(rows, [chains.length, ROW], { dtype: 'i32' })
    engine.step(() => randAugment(pages[round], pages[1 - round], table, shape))
  }
  const got = await bytesOf(pages[0])
  const seen = new Set<string>()
  for (const [i, { canvas, operations }] of chains.entries()) {
    for (const [name] of operations) seen.add(name)
    const { count, most } = difference(got.slice(i * each, (i + 1) * each), result(cases.crops.length + i))
    // Pillow cuts value * (255 / range) - low * (255 / range) to a byte: where the quotient is whole, its float64 may
    // come out just below, and Pillow's byte is one less. A shader without float64 divides whole numbers.
    const [few, by] = operations[0][0] === 'AutoContrast' ? [each / 20, 1] : [0, 0]
    const told = `${JSON.stringify({ canvas, operations })}: ${count} bytes differ, by up to ${most}`
    assert.ok(count <= few && most <= by, told)
  }
  assert.is(seen.size, OPERATIONS.length)
})

test('magnitudes are those of torchvision at step 9 of 30', () => {
  const magnitudes = Object.fromEntries(OPERATIONS.map((name) => [name, magnitudeOf(name, 9, side, side)]))
  for (const { operations } of cases.chains.filter(({ canvas }) => canvas === 2)) {
    const [[name, size]] = operations
    assert.ok(Math.abs(magnitudes[name] - Math.abs(size)) < 1e-5, `${name}: ${magnitudes[name]} for ${size}`)
  }
  for (const step of [-1, 31, 0.5]) assert.throws(() => magnitudeOf('Rotate', step, 4, 4), /magnitude/)
})

test('boxes lie in the picture, have the area and ratio asked for, and are the same for the same number', () => {
  const picture = { width: 300, height: 200 }
  const rule = { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] } as const
  const boxes = Array.from({ length: 400 }, (_, i) => drawCrop(pictureStream([1, 2], i), picture, rule))
  for (const { left, top, width, height } of boxes) {
    assert.ok(left >= 0 && top >= 0 && left + width <= 300 && top + height <= 200)
    const [area, ratio] = [(width * height) / 60000, width / height]
    assert.ok(area > 0.075 && area < 1.01 && ratio > 0.73 && ratio < 1.37, `${width} x ${height}`)
  }
  // Large boxes often don't fit and are drawn again. 20,000 of torchvision's own: 0.389, with a deviation of 0.191.
  const mean = boxes.reduce((sum, { width, height }) => sum + width * height, 0) / 400 / 60000
  assert.ok(Math.abs(mean - 0.389) < (3 * 0.191) / Math.sqrt(400), `mean area ${mean}`)
  assert.equal(drawCrop(pictureStream([1, 2], 7), picture, rule), boxes[7])
  assert.not.equal(drawCrop(pictureStream([1, 3], 7), picture, rule), boxes[7])
  // A picture that no box of the rule fits into: the middle, as near to the ratio as can be.
  const thin = drawCrop(pictureStream([1, 2], 0), { width: 10, height: 1000 }, rule)
  assert.equal(thin, { left: 0, top: 493, width: 10, height: 13 })
})

test('operations are drawn about equally often, half of those with a sign with each', () => {
  const names = new Map<number, number>()
  const factors = new Set<number>()
  for (let i = 0; i < 2800; i++) {
    const row = drawOperation(pictureStream([5, 6], i), 9, 224, 224)
    names.set(row[0], (names.get(row[0]) ?? 0) + 1)
    if (row[0] === OPERATIONS.indexOf('Color')) factors.add(new Float32Array(row.buffer)[1])
  }
  assert.is(names.size, 14)
  for (const [name, often] of names) assert.ok(often > 140 && often < 270, `${OPERATIONS[name]}: ${often} of 2800`)
  assert.equal([...factors].sort(), [Math.fround(1 - 0.27), Math.fround(1 + 0.27)].sort())
})

test.run()
