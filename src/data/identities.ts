// Made-up identities for face verification without faces. An identity is sixteen numbers: the shape of a head, its hair,
// brightness, eyes, brows, nose, mouth; a picture of it has a pose, a light, an expression and noise of its own. As in
// `synthetic.ts` every number comes from an integer hash and exactly rounded operations, so that all platforms make the
// same bytes.
import { InputError } from '../errors.ts'
import { type Dataset, meanStd } from './dataset.ts'
import { hash, wave } from './synthetic.ts'

export interface IdentitiesOptions {
  identities?: number
  /** Of every identity, for training and for the test. */
  train?: number
  test?: number
  /** Side in pixels. */
  size?: number
  seed?: number
}

/**
 * Grey pictures of made-up identities, classes in turn. An identity stays the same when more of them are asked for, and
 * so do its test pictures when more training pictures are.
 * @throws InputError for a count or size that cannot be
 */
export function identities(options: IdentitiesOptions = {}): { train: Dataset; test: Dataset } {
  const { identities: count = 90, train = 16, test = 4, size = 24, seed = 1 } = options
  for (const [what, n, least] of [
    ['identities', count, 2],
    ['train', train, 1],
    ['test', test, 1],
    ['size', size, 1],
  ] as const) {
    if (!Number.isInteger(n) || n < least) throw new InputError(`identities: ${what} is ${n}, at least ${least}`)
  }
  const classes = Array.from({ length: count }, (_, k) => `person ${String(k).padStart(3, '0')}`)
  const part = (first: number, each: number) => {
    const n = each * count
    const images = new Uint8Array(n * size * size)
    for (let i = 0; i < n; i++) {
      const [identity, picture] = [i % count, first + Math.floor(i / count)]
      images.set(draw(traitsOf(seed, identity), seed, identity, picture, size), i * size * size)
    }
    const labels = Uint16Array.from({ length: n }, (_, i) => i % count)
    return { images, labels: count > 256 ? labels : Uint8Array.from(labels), n }
  }
  const [training, testing] = [part(0, train), part(1_000_000, test)]
  const common = { channels: 1, height: size, width: size, classes, ...meanStd(training.images, 1, size * size) }
  return { train: { name: 'identities', ...training, ...common }, test: { name: 'identities', ...testing, ...common } }
}

type Traits = ReturnType<typeof traitsOf>

/** Lengths are of a head whose half height is 1. */
function traitsOf(seed: number, identity: number) {
  const between = (purpose: number, low: number, high: number) => {
    return low + ((high - low) * hash(seed, identity, 0x7a17 + purpose)) / 2 ** 32
  }
  return {
    width: between(0, 0.64, 0.88),
    skin: between(1, 110, 190),
    hair: between(2, 20, 100),
    hairline: between(3, -0.78, -0.42),
    eyeDistance: between(4, 0.24, 0.42),
    eyeHeight: between(5, -0.26, -0.02),
    eyeWidth: between(6, 0.1, 0.2),
    eyeOpen: between(7, 0.05, 0.12),
    browGap: between(8, 0.12, 0.28),
    brow: between(9, 0.025, 0.075),
    noseLength: between(10, 0.2, 0.46),
    noseWidth: between(11, 0.06, 0.17),
    mouthHeight: between(12, 0.42, 0.66),
    mouthWidth: between(13, 0.16, 0.38),
    lips: between(14, 0.04, 0.1),
    chin: between(15, 0, 0.22),
  }
}

/** [size, size] of one picture. */
function draw(traits: Traits, seed: number, identity: number, picture: number, size: number): Uint8Array {
  const chance = (purpose: number) => hash(seed + 1, identity * 65_536 + purpose, picture) / 2 ** 32
  const around = (purpose: number, reach: number) => (2 * chance(purpose) - 1) * reach
  const { width, skin, hair, hairline, eyeDistance, eyeHeight, eyeWidth, noseLength, noseWidth } = traits
  const zoom = 1.22 * (1 + around(0, 0.1))
  const [shiftX, shiftY, turn] = [around(1, 0.14), around(2, 0.12), around(3, 0.24)]
  const roll = around(4, 0.03)
  const [sine, cosine] = [wave(roll), wave(roll + 0.25)]
  const [exposure, contrast, ground] = [around(5, 34), 1 + around(6, 0.3), 128 + around(7, 70)]
  const [lightX, lightY] = [around(8, 38), around(9, 24)]
  const [smile, speech, blink] = [around(10, 0.09), chance(11) * 0.07, 0.35 + 0.65 * chance(12)]
  const middle = traits.mouthHeight
  const edge = (2.4 * zoom) / size

  /** 1 inside an ellipse, 0 outside, soft at its edge. */
  const inside = (dx: number, dy: number, a: number, b: number): number => {
    const far = Math.sqrt((dx / a) * (dx / a) + (dy / b) * (dy / b))
    return Math.max(0, Math.min(1, 0.5 + ((1 - far) * Math.min(a, b)) / edge))
  }
  const pixels = new Uint8Array(size * size)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [px, py] = [(2 * (column + 0.5)) / size - 1, (2 * (row + 0.5)) / size - 1]
      const x = zoom * (cosine * px + sine * py) - shiftX
      const y = zoom * (cosine * py - sine * px) - shiftY
      // Towards the chin a head narrows; a turn of the head moves what lies in its middle.
      const a = width * (1 - traits.chin * Math.max(0, y))
      const head = inside(x, y, a, 1)
      const u = x - turn * width
      let shade = skin - 26 * (x / a) * (x / a)
      const paint = (cover: number, tone: number) => {
        shade += cover * (tone - shade)
      }
      paint(inside(u, y - hairline + 1, 3, 1), hair)
      for (const side of [-1, 1]) {
        const ex = u - side * eyeDistance * (1 - Math.abs(turn) * 0.4)
        paint(inside(ex, y - eyeHeight, eyeWidth, traits.eyeOpen * blink + 0.02), 235)
        paint(inside(ex, y - eyeHeight, eyeWidth * 0.45, traits.eyeOpen * blink + 0.015), 25)
        paint(inside(ex, y - eyeHeight + traits.browGap, eyeWidth * 1.35, traits.brow), hair)
      }
      paint(0.55 * inside(u, y - eyeHeight - noseLength / 2, noseWidth * 0.6, noseLength / 2), skin + 46)
      paint(0.7 * inside(u, y - eyeHeight - noseLength, noseWidth, 0.05), skin - 62)
      const bow = smile * (u / traits.mouthWidth) * (u / traits.mouthWidth)
      paint(inside(u, y - middle + bow, traits.mouthWidth * (1 + smile), traits.lips + speech), skin - 74)
      const lit = shade + lightX * px + lightY * py
      const seen = ground + head * (lit - ground)
      const noise = 36 * (hash(seed + 2, identity * 65_536 + picture, row * size + column) / 2 ** 32 - 0.5)
      const value = 128 + contrast * (seen - 128) + exposure + noise
      pixels[row * size + column] = Math.max(0, Math.min(255, Math.floor(value + 0.5)))
    }
  }
  return pixels
}
