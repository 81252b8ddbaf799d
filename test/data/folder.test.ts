import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PNG } from 'pngjs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePair, subset, validateDataset } from '../../src/data/dataset.ts'
import { openFolder, readFolder, resizeAndCrop } from '../../src/data/folder.ts'
import { InputError } from '../../src/errors.ts'
import { nodeFiles } from '../../src/node/files.ts'
import { decodePng } from '../../src/node/png.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { noise, png, refused, sample } from './check.ts'

const test = suite('folder and PNG')

const tree = (changes: Record<string, Uint8Array | string | undefined> = {}) => {
  const all = {
    'set/train/cat/b.png': png(4, 4, 1),
    'set/train/cat/a.PNG': png(4, 4, 2),
    'set/train/cat/deep/0.png': png(4, 4, 3),
    'set/train/ape/x.png': png(4, 4, 4),
    'set/train/ape/notes.txt': 'no picture',
    'set/train/readme': 'no class',
    'set/val/ape/1.png': png(4, 4, 5),
    'set/val/cat/1.png': png(4, 4, 6),
    ...changes,
  }
  const kept = Object.entries(all).filter(([, data]) => data !== undefined) as [string, Uint8Array | string][]
  return memoryFiles(Object.fromEntries(kept))
}
const planar = (seed: number) => {
  const rgb = noise(48, seed)
  return Uint8Array.from({ length: 48 }, (_, i) => rgb[(i % 16) * 3 + Math.floor(i / 16)])
}

test('classes are the sorted folders, pictures the sorted files, a folder before those in it', async () => {
  const { train, test: held } = await readFolder(tree(), 'set', decodePng)
  assert.equal(
    [train.classes, held.classes],
    [
      ['ape', 'cat'],
      ['ape', 'cat'],
    ],
  )
  assert.equal([...train.labels], [0, 1, 1, 1])
  assert.equal([train.channels, train.height, train.width, held.n], [3, 4, 4, 2])
  for (const [i, seed] of [4, 2, 1, 3].entries()) assert.equal(train.images.slice(i * 48, i * 48 + 48), planar(seed))
  assert.equal(held.mean, train.mean)
})

test('an empty folder, a class without pictures, a missing folder or class are named', async () => {
  const load = (files = tree(), size?: number) => readFolder(files, 'set', decodePng, { size })
  await refused(() => load(memoryFiles()), /^set: no folder val or test/)
  await refused(() => load(memoryFiles({ 'set/val/a/x.png': png(4, 4) })), /^set: no folder train/)
  const bare = memoryFiles({ 'set/val/a/x.png': png(4, 4) })
  await bare.makeDir('set/train')
  await refused(() => load(bare), /^set\/train: empty/)
  const hollow = tree()
  await hollow.makeDir('set/train/dog')
  await refused(() => load(hollow), /^set\/train\/dog: a class without pictures/)
  await refused(() => load(tree({ 'set/val/cat/1.png': undefined })), /^set\/val: the class cat is missing here/)
  await refused(() => load(tree({ 'set/val/dog/1.png': png(4, 4) })), /^set\/train: the class dog is missing here/)
  await refused(() => load(tree({ 'set/train/cat/p.webp': 'x' })), /^set\/train\/cat\/p\.webp: only PNG and JPEG/)
  await refused(() => load(tree({ 'set/train/cat/b.png': 'x' })), /^set\/train\/cat\/b\.png: truncated/)
  for (const size of [0, -1, 1.5, Number.NaN]) await refused(() => load(tree(), size), /^set: pictures of size/)
})

test('an opened folder lists the same pictures and reads them when they are asked for', async () => {
  const files = tree({ 'set/train/cat/b.png': png(9, 6, 7), 'set/val/cat/1.png': 'not looked at yet' })
  const { train, test: held } = await openFolder(files, 'set', decodePng, { size: 8 })
  assert.equal(train.files!.names, ['train/ape/x.png', 'train/cat/a.PNG', 'train/cat/b.png', 'train/cat/deep/0.png'])
  assert.equal([[...train.labels], train.classes, train.n], [[0, 1, 1, 1], ['ape', 'cat'], 4])
  assert.equal([train.height, train.width, train.images.length, held.n], [8, 8, 0, 2])
  assert.equal(await train.files!.read(2), { width: 9, height: 6, rgb: noise(9 * 6 * 3, 7) })
  await refused(() => held.files!.read(1) as Promise<never>, /^set\/val\/cat\/1\.png: truncated/)
  const part = subset(train, [3, 2])
  assert.equal(
    [part.files!.names, [...part.labels]],
    [
      ['train/cat/deep/0.png', 'train/cat/b.png'],
      [1, 1],
    ],
  )
  assert.equal(await part.files!.read(1), await train.files!.read(2))
  const pair = await makePair(train, held, 'x')
  const renamed = { ...train.files!, names: train.files!.names.with(0, 'train/ape/y.png') }
  assert.not.equal((await makePair({ ...train, files: renamed }, held, 'x')).hash, pair.hash)
  await refused(
    () => makePair({ ...train, n: 3, labels: train.labels.slice(0, 3) }, held, 'x'),
    /3 pictures and 4 files/,
  )
  await refused(() => openFolder(files, 'set', decodePng, { size: 0 }), /^set: pictures of size 0/)
  await refused(
    () => openFolder(tree({ 'set/val/ape/1.png': undefined }), 'set', decodePng),
    /^set\/val: the class ape/,
  )
})

test('pictures of one size keep it, others get the median shorter side, a given size wins', async () => {
  const wide = { 'set/train/cat/b.png': png(9, 6), 'set/train/cat/a.PNG': png(5, 8), 'set/val/cat/1.png': png(1, 40) }
  const { train, test: held } = await readFolder(tree(wide), 'set', decodePng)
  assert.equal([train.height, train.width, held.height, held.width], [4, 4, 4, 4]) // shorter sides 4, 4, 5, 6
  const given = await readFolder(tree(wide), 'set', decodePng, { size: 7 })
  assert.equal([given.train.height, given.test.width], [7, 7])
  validateDataset(given.train)
})

test('the resize rule: flat stays flat, the same size is a copy, halves are triangle-weighted, the middle is kept', () => {
  const flat = { width: 13, height: 7, rgb: new Uint8Array(13 * 7 * 3).fill(77) }
  for (const size of [1, 3, 7, 20]) assert.ok(resizeAndCrop(flat, size).rgb.every((byte) => byte === 77))
  const rgb = noise(6 * 6 * 3)
  assert.equal(resizeAndCrop({ width: 6, height: 6, rgb }, 6).rgb, rgb)
  const crop = resizeAndCrop({ width: 9, height: 6, rgb: noise(9 * 6 * 3) }, 6).rgb
  assert.equal(crop.slice(0, 18), noise(9 * 6 * 3).slice(3, 21)) // 3 columns too many: 1 left, 2 right
  // 4 to 2: a triangle of reach 2 about 1.0 covers 0.5 1.5 2.5 with 3, 3, 1 sevenths; rows are all alike.
  const row = [0, 70, 140, 210].flatMap((value) => [value, value, value])
  const half = resizeAndCrop({ width: 4, height: 4, rgb: Uint8Array.from([...row, ...row, ...row, ...row]) }, 2)
  assert.equal([half.rgb[0], half.rgb[3]], [50, 160])
})

const decoded = sample('data/imagefolder/decoded.json')
;(decoded ? test : test.skip)('every PNG of the sample folder decodes to the recorded pixels', async () => {
  const folder = dirname(decoded!)
  const list: { path: string; width: number; height: number; rgb_sha256: string }[] = JSON.parse(
    readFileSync(decoded!, 'utf8'),
  )
  assert.ok(list.length >= 150)
  for (const { path, width, height, rgb_sha256 } of list) {
    const picture = await decodePng(new Uint8Array(readFileSync(join(folder, path))), path)
    assert.equal([picture.width, picture.height], [width, height], path)
    assert.is(createHash('sha256').update(picture.rgb).digest('hex'), rgb_sha256, path)
  }
  const { train, test: held } = await readFolder(nodeFiles, folder, decodePng)
  assert.equal([train.n, held.n, train.classes], [120, 30, ['airplane', 'cat', 'ship']])
  assert.equal([train.height, train.width], [held.height, held.width])
})

test('pixels are those that were encoded; grey with transparency comes as RGB', async () => {
  assert.equal(await decodePng(png(5, 3), 'x'), { width: 5, height: 3, rgb: noise(5 * 3 * 3) })
  const grey = new PNG({ width: 2, height: 1 })
  grey.data = Buffer.from([10, 10, 10, 0, 200, 200, 200, 128])
  const bytes = new Uint8Array(PNG.sync.write(grey, { colorType: 4 }))
  assert.equal([...(await decodePng(bytes, 'x')).rgb], [10, 10, 10, 200, 200, 200])
})

test('a cut PNG is refused wherever the cut is', async () => {
  const bytes = png(6, 5)
  for (let length = 0; length < bytes.length; length++) {
    await refused(() => decodePng(bytes.slice(0, length), 'cut.png'), /^cut\.png: /)
  }
})

test('a PNG with one byte changed is refused and names the file, or decodes', async () => {
  const bytes = png(6, 5)
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      try {
        await decodePng(bytes.with(at, bytes[at] ^ flip), 'odd.png')
      } catch (error) {
        assert.instance(error, InputError, `byte ${at}: ${error}`)
        assert.match((error as Error).message, /^odd\.png: /)
      }
    }
  }
  await refused(() => decodePng(bytes.with(16, 0x7f), 'huge.png'), /^huge\.png: 2130706438x5 pixels/)
  await refused(() => decodePng(bytes.with(19, 0), 'nil.png'), /^nil\.png: a picture of 0x5/)
  await refused(() => decodePng(noise(99), 'junk.png'), /not a PNG/)
})

/** A chunk with its right checksum. */
function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  let crc = -1
  for (const byte of bytes.subarray(4, 8 + data.length)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  }
  bytes.writeInt32BE(~crc, 8 + data.length)
  return bytes
}

const header = (width: number, height: number) => {
  const bytes = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0])
  bytes.writeUInt32BE(width)
  bytes.writeUInt32BE(height, 4)
  return chunk('IHDR', bytes)
}

test('a PNG whose data are not those of all its pixels, or that has two sizes, is refused at once', async () => {
  const bytes = Buffer.from(png(6, 5))
  const [start, rest] = [bytes.subarray(0, 8), bytes.subarray(33)]
  assert.equal((await decodePng(Buffer.concat([start, header(6, 5), rest]), 'x')).rgb, noise(90))
  const begun = performance.now()
  for (const [width, height] of [
    [6, 6],
    [1, 2 ** 26],
    [2 ** 26, 1],
    [8192, 8192],
  ]) {
    const claims = Buffer.concat([start, header(width, height), rest])
    await refused(
      () => decodePng(claims, 'wide.png'),
      /^wide\.png: corrupt or truncated PNG \(95 of the \d+ bytes of \d+x\d+ pixels\)/,
    )
  }
  assert.ok(performance.now() - begun < 1000)
  const two = Buffer.concat([start, header(6, 5), header(1, 1), rest])
  await refused(() => decodePng(two, 'two.png'), /^two\.png: corrupt .*two headers/)
})

test('a link that leads back to a folder above is told, not followed', async () => {
  const root = mkdtempSync(join(tmpdir(), 'links-'))
  try {
    for (const half of ['train', 'val']) {
      mkdirSync(join(root, half, 'a b'), { recursive: true })
      writeFileSync(join(root, half, 'a b', 'x.png'), png(4, 4))
    }
    assert.is((await readFolder(nodeFiles, root, decodePng)).train.n, 1)
    for (const name of ['one', 'two']) symlinkSync('..', join(root, 'train', 'a b', name))
    await refused(() => readFolder(nodeFiles, root, decodePng), /33 folders in each other; does a link lead back/)
  } finally {
    rmSync(root, { recursive: true })
  }
})

test('of a picture much higher than wide only the middle is looked at', () => {
  const [width, height] = [2, 1_000_000]
  const rgb = new Uint8Array(width * height * 3)
  rgb.fill(200, rgb.length / 2 - 12, rgb.length / 2 + 12)
  const { rgb: middle } = resizeAndCrop({ width, height, rgb }, 300)
  assert.is(middle.length, 300 * 300 * 3)
  assert.ok(middle.every((value) => value === 200))
})

test.run()
