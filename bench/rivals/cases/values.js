// Seeded values: the same numbers for the same purpose, for every contestant and in every run.

/** A stream of numbers from 0 to 1: mulberry32. */
function numbers(purpose) {
  let state = 0
  for (const character of purpose) state = Math.imul(state ^ character.codePointAt(0), 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const sizeOf = (shape) => shape.reduce((size, each) => size * each, 1)

/** Uniform in offset ± scale. */
export function uniform(purpose, shape, { scale = 1, offset = 0 } = {}) {
  const random = numbers(purpose)
  const data = new Float32Array(sizeOf(shape))
  for (let i = 0; i < data.length; i++) data[i] = offset + scale * (2 * random() - 1)
  return { shape, type: 'f32', data }
}

export function constant(shape, value) {
  return { shape, type: 'f32', data: new Float32Array(sizeOf(shape)).fill(value) }
}

/** Classes of `n` rows. */
export function labels(purpose, n, classes) {
  const random = numbers(purpose)
  const data = Uint32Array.from({ length: n }, () => Math.floor(random() * classes))
  return { shape: [n], type: 'u32', data }
}
