import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../../src/errors.ts'
import { type PictureBytes, pictureSource, type ViewOptions } from '../../src/ops/pictures.ts'
import { stream, threefry } from '../../src/random.ts'
import { allclose } from '../check.ts'
import { engine } from '../device.ts'

const test = suite('pictures')
const data: PictureBytes = {
  images: Uint8Array.from({ length: 11 * 3 * 6 * 5 }, (_, i) => (i * 73 + (i >> 3) * 19) & 255),
  n: 11,
  channels: 3,
  height: 6,
  width: 5,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.25, 0.3],
}
const rows = Uint32Array.of(10, 0, 3, 3, 7)

const view = async (options: ViewOptions, limits = {}) => {
  const source = pictureSource(engine.gpu, data, rows.length, limits)
  source.select(rows)
  return { y: await engine.step(() => source.view(options)).read(), source }
}

type Weights = (out: number, size: number, outs: number) => [number, number][]

/** Source positions and weights of one output position along one axis. */
const WEIGHTS: Record<string, Weights> = {
  area: (o, size, outs) => {
    const [from, to] = [Math.floor((o * size) / outs), Math.ceil(((o + 1) * size) / outs)]
    return Array.from({ length: to - from }, (_, i) => [from + i, 1 / (to - from)])
  },
  bilinear: (o, size, outs) => {
    const at = Math.max(((o + 0.5) * size) / outs - 0.5, 0)
    const low = Math.floor(at)
    return [
      [low, 1 - (at - low)],
      [Math.min(low + 1, size - 1), at - low],
    ]
  },
  bilinearAntialias: (o, size, outs) => {
    const support = Math.max(1, size / outs)
    const centre = ((o + 0.5) * size) / outs
    const all = Array.from({ length: size }, (_, i): [number, number] => [
      i,
      Math.max(0, 1 - Math.abs((i + 0.5 - centre) / support)),
    ])
    const total = all.reduce((s, [, w]) => s + w, 0)
    return all.filter(([, w]) => w > 0).map(([i, w]) => [i, w / total])
  },
}

/** The same in float64; `moved` gives the shift and mirror of batch position n. */
function reference(
  weights: Weights,
  oh: number,
  ow: number,
  moved = (_n: number) => ({ dy: 0, dx: 0, mirrored: false }),
) {
  const { channels, height, width, images, mean, std } = data
  return Float64Array.from({ length: rows.length * channels * oh * ow }, (_, i) => {
    const [ox, oy, c, n] = [
      i % ow,
      Math.floor(i / ow) % oh,
      Math.floor(i / (ow * oh)) % channels,
      Math.floor(i / (ow * oh * channels)),
    ]
    const { dy, dx, mirrored } = moved(n)
    let sum = 0
    for (const [y0, wy] of weights(oy, height, oh))
      for (const [x0, wx] of weights(ox, width, ow)) {
        const y = y0 + dy
        const x = (mirrored ? width - 1 - x0 : x0) + dx
        const inside = y >= 0 && y < height && x >= 0 && x < width
        if (inside) sum += wy * wx * images[((rows[n] * channels + c) * height + y) * width + x]
      }
    return (sum / 255 - mean[c]) / std[c]
  })
}

for (const downscale of ['area', 'bilinear', 'bilinearAntialias'] as const) {
  for (const [height, width] of [
    [6, 5],
    [3, 2],
    [4, 3],
    [1, 1],
  ]) {
    test(`${downscale} to ${height} x ${width} agrees with float64`, async () => {
      const { y } = await view({ height, width, downscale })
      allclose(y, reference(WEIGHTS[downscale], height, width), { atol: 1e-5 }, downscale)
    })
  }
}

/** Grey and edges of the full picture in float64, before it is made smaller. */
function oneChannel(modality: 'grey' | 'edges', bytes: PictureBytes) {
  const { channels, height, width, images, mean, std } = bytes
  const weights = channels === 1 ? [1] : [0.299, 0.587, 0.114]
  const weigh = (of: (c: number) => number) => weights.reduce((total, weight, c) => total + weight * of(c), 0)
  const grey = (row: number, y: number, x: number) => {
    const inside = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)]
    return weigh((c) => images[((row * channels + c) * height + inside[0]) * width + inside[1]])
  }
  const edge = (row: number, y: number, x: number) => {
    let [across, down] = [0, 0]
    for (const [i, strength] of [1, 2, 1].entries()) {
      across += strength * (grey(row, y + i - 1, x + 1) - grey(row, y + i - 1, x - 1))
      down += strength * (grey(row, y + 1, x + i - 1) - grey(row, y - 1, x + i - 1))
    }
    return Math.hypot(across, down) / 4
  }
  const [value, middle] = modality === 'grey' ? [grey, weigh((c) => mean[c])] : [edge, 0]
  return (oh: number, ow: number) =>
    Float64Array.from({ length: rows.length * oh * ow }, (_, i) => {
      const [ox, oy, n] = [i % ow, Math.floor(i / ow) % oh, Math.floor(i / (ow * oh))]
      let sum = 0
      for (const [y, wy] of WEIGHTS.area(oy, height, oh))
        for (const [x, wx] of WEIGHTS.area(ox, width, ow)) sum += wy * wx * value(rows[n], y, x)
      return (sum / 255 - middle) / weigh((c) => std[c])
    })
}

for (const modality of ['grey', 'edges'] as const) {
  test(`${modality} agrees with float64, of three channels and of one`, async () => {
    const one = { channels: 1, images: data.images.slice(0, 11 * 30), mean: [0.4], std: [0.2] }
    const single = { ...data, ...one }
    for (const bytes of [data, single]) {
      const source = pictureSource(engine.gpu, bytes, rows.length)
      source.select(rows)
      for (const [height, width] of [
        [6, 5],
        [3, 2],
      ]) {
        const y = engine.step(() => source.view({ height, width, modality }))
        assert.equal(y.shape, [rows.length, 1, height, width])
        allclose(
          await y.read(),
          oneChannel(modality, bytes)(height, width),
          { atol: 1e-5 },
          `${bytes.channels} channels`,
        )
      }
    }
  })
}

test('chunks and streaming give the same bits as resident data', async () => {
  const options: ViewOptions = { height: 3, width: 3 }
  const whole = await view(options)
  const chunked = await view(options, { chunkBytes: 4 * 90 })
  const streamed = await view(options, { residentBytes: 100 })
  assert.is(whole.source.resident, true)
  assert.is(streamed.source.resident, false)
  assert.equal(chunked.y, whole.y)
  assert.equal(streamed.y, whole.y)
})

test('batches of another size are of the same pictures, of which there is one copy', async () => {
  for (const limits of [{}, { chunkBytes: 4 * 90 }, { residentBytes: 100 }]) {
    const { y, source } = await view({ height: 3, width: 3 }, limits)
    const { bytes } = engine.memory()
    const other = source.inBatchesOf(2)
    // The index, and a batch where pictures are streamed.
    assert.ok(engine.memory().bytes - bytes <= (source.resident ? 256 : 512))
    assert.equal([other.resident, other.index.size], [source.resident, 2])
    other.select(rows.subarray(3))
    const last = await engine.step(() => other.view({ height: 3, width: 3 })).read()
    assert.equal(last, y.slice(3 * 27))
  }
})

test('two views of one counter show the same augmented picture', async () => {
  const { key } = stream(3, 'augment')
  const augmentation = { shift: 2, flip: true, key, counter: engine.scalar('counter', 40) }
  const moved = (n: number) => {
    const [a, b] = threefry(key, [40 + n, 0])
    const by = (word: number) => ((word * 5) >>> 16) - 2
    return { dy: by(a & 0xffff), dx: by(a >>> 16), mirrored: (b & 1) === 1 }
  }
  assert.ok(new Set(rows.map((_, n) => moved(n).dy)).size > 1, 'the shifts differ')
  for (const [height, width] of [
    [6, 5],
    [3, 2],
  ]) {
    const { y } = await view({ height, width, augmentation })
    allclose(y, reference(WEIGHTS.area, height, width, moved), { atol: 1e-5 }, 'augmented')
  }
})

test('a part of a data set and the whole of it are not taken for each other, nor other sizes of the same bytes', async () => {
  const images = data.images.slice()
  const seen = async (part: Partial<PictureBytes>, row: number) => {
    const source = pictureSource(engine.gpu, { ...data, images, ...part }, 1)
    source.select(Uint32Array.of(row))
    const { height, width } = source.bytes
    return (await engine.step(() => source.view({ height, width })).read())[0]
  }
  const first = (byte: number) => Math.fround((byte / 255 - 0.4) / 0.2)
  allclose([await seen({ n: 4 }, 2)], [first(images[2 * 90])], { atol: 1e-5 }, 'a part')
  allclose([await seen({}, 10)], [first(images[10 * 90])], { atol: 1e-5 }, 'the whole')
  allclose([await seen({ height: 2, n: 33 }, 20)], [first(images[20 * 30])], { atol: 1e-5 }, 'flat pictures')
})

test('refuses rows, bytes, channels and shifts that cannot be', async () => {
  const source = pictureSource(engine.gpu, data, 2)
  const refused = (fn: () => unknown, message: string) =>
    assert.throws(fn, (e: Error) => e instanceof InputError && e.message === message)
  refused(() => source.select(Uint32Array.of(0, 11)), 'select: row 11 at 1; the data set has 11 pictures')
  refused(
    () => pictureSource(engine.gpu, { ...data, images: data.images.subarray(1) }, 2),
    '11 pictures 3x6x5 need 990 bytes, there are 989',
  )
  refused(() => pictureSource(engine.gpu, { ...data, channels: 5 }, 2), 'pictures of 5 channels; at most 4')
  refused(() => pictureSource(engine.gpu, { ...data, std: [1] }, 2), 'std of 1 channels, pictures have 3')
  const augmentation = { shift: -1, flip: false, key: [0, 0] as const, counter: engine.scalar('augmented', 0) }
  refused(
    () => source.view({ height: 6, width: 5, augmentation }),
    'augmentation.shift -1; a whole number of pixels from 0',
  )
})

test('refuses sizes and batches that cannot be', () => {
  const source = pictureSource(engine.gpu, data, 2)
  assert.throws(() => source.view({ height: 0, width: 3 }), /size 0 x 3; both must be whole numbers from 1/)
  assert.throws(
    () => source.view({ height: 3, width: 3, downscale: 'cubic' as 'area' }),
    /'cubic': one of area, bilinear/,
  )
  assert.throws(
    () => source.view({ height: 3, width: 3, modality: 'depth' as 'grey' }),
    /modality 'depth': one of colour, grey, edges/,
  )
  assert.throws(
    () => pictureSource(engine.gpu, data, 12),
    /batch 12 is larger than the data set, which holds 11 pictures/,
  )
})

test.run()
