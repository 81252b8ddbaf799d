import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import randomSource from '../shaders/random.wgsl'
import { InputError } from '../src/errors.ts'
import { kernels } from '../src/gpu/kernel.ts'
import { stream, threefry } from '../src/random.ts'
import { empty } from '../src/tensor.ts'
import { engine } from './device.ts'

const test = suite('random')
const random_ = kernels<'words'>(randomSource)

async function wordsOnGpu(key: readonly [number, number], block: readonly [number, number], count: number) {
  const y = empty(engine.gpu, [count], 'u32')
  const params = { blocks: count / 2, key0: key[0], key1: key[1], first: block[0], high: block[1] }
  random_.words({ y }, params, { threads: [count / 2] })
  return [...(await y.read())]
}

// The three rows for threefry2x32 with 20 rounds of the Random123 distribution's known answers.
const KNOWN: [[number, number], [number, number], [number, number]][] = [
  [
    [0, 0],
    [0, 0],
    [0x6b200159, 0x99ba4efe],
  ],
  [
    [0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x1cb996fc, 0xbb002be7],
  ],
  [
    [0x243f6a88, 0x85a308d3],
    [0x13198a2e, 0x03707344],
    [0xc4923a9c, 0x483df7a0],
  ],
]

test('gives the known answers of Random123', () => {
  for (const [counter, key, want] of KNOWN) assert.equal(threefry(key, counter), want)
})

test('gives the same words on the GPU, bit for bit', async () => {
  for (const [counter, key, want] of KNOWN) assert.equal(await wordsOnGpu(key, counter, 2), want)
  for (const seed of [0, 1, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
    const s = stream(seed, 'augment')
    assert.equal(await wordsOnGpu(s.key, [0, 0], 1000), [...s.words(0, 1000)])
    assert.equal(await wordsOnGpu(s.key, [8, 3], 64), [...s.words(2 * (3 * 2 ** 32 + 8), 64)])
  }
})

test('is copied unchanged wherever a shader uses it', () => {
  const root = join(process.cwd(), 'shaders')
  const body = randomSource.slice(randomSource.indexOf('fn turn('), randomSource.indexOf('@compute'))
  const users = readdirSync(root).filter((f) => /threefry\(/.test(readFileSync(join(root, f), 'utf8')))
  assert.ok(users.includes('random.wgsl'))
  for (const file of users)
    assert.ok(readFileSync(join(root, file), 'utf8').includes(body), `${file} has another threefry`)
})

test('continues from a saved position', () => {
  const s = stream(3, 'shuffle')
  s.permutation(17)
  s.normal()
  const { position } = s
  const want = [s.word(), s.uniform(), s.normal(), ...s.permutation(9)]
  const restored = stream(3, 'shuffle')
  restored.position = position
  assert.equal([restored.word(), restored.uniform(), restored.normal(), ...restored.permutation(9)], want)
})

test('names and seeds give streams of their own', () => {
  const seen = new Set<number>()
  for (let seed = 0; seed < 50; seed++)
    for (const name of ['init', 'shuffle', 'augment', 'subset']) seen.add(stream(seed, name).word())
  assert.is(seen.size, 200)
  assert.is(stream(7, 'init').word(), stream(7, 'init').word())
})

test('has uniform numbers in [0, 1) and normal numbers of mean 0 and variance 1', () => {
  const s = stream(11, 'init')
  const n = 100_000
  let [mean, square, cube] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const z = s.normal()
    assert.ok(Math.abs(z) < 6.7)
    mean += z / n
    square += (z * z) / n
    cube += z ** 3 / n
  }
  // Five standard errors: 1/√n, √(2/n), √(15/n).
  assert.ok(Math.abs(mean) < 5 / Math.sqrt(n), `mean ${mean}`)
  assert.ok(Math.abs(square - 1) < 5 * Math.sqrt(2 / n), `variance ${square}`)
  assert.ok(Math.abs(cube) < 5 * Math.sqrt(15 / n), `third moment ${cube}`)
  const cells = new Float64Array(16)
  for (let i = 0; i < n; i++) cells[Math.floor(s.uniform() * 16)]++
  const chi2 = cells.reduce((sum, c) => sum + (c - n / 16) ** 2 / (n / 16), 0)
  assert.ok(chi2 < 45, `chi-square of 16 cells ${chi2}`)
})

test('permutes every order equally often', () => {
  const s = stream(5, 'shuffle')
  const counts = new Map<string, number>()
  const n = 24_000
  for (let i = 0; i < n; i++) {
    const order = s.permutation(4)
    assert.equal([...order].sort(), [0, 1, 2, 3])
    counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1)
  }
  assert.is(counts.size, 24)
  const chi2 = [...counts.values()].reduce((sum, c) => sum + (c - n / 24) ** 2 / (n / 24), 0)
  assert.ok(chi2 < 60, `chi-square of 24 orders ${chi2}`)
})

test('draws below n without bias, even where 2^32 is no multiple', () => {
  const s = stream(1, 'below')
  const n = 3 * 2 ** 30
  let low = 0
  for (let i = 0; i < 6000; i++) if (s.below(n) < 2 ** 30) low++
  // Plain word % n would give a half; the fair share is a third.
  assert.ok(Math.abs(low - 2000) < 5 * Math.sqrt(6000 * (1 / 3) * (2 / 3)), `${low} of 6000`)
  assert.is(s.below(1), 0)
})

test('refuses what is no seed, bound or position', () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 60])
    assert.throws(
      () => stream(seed, 'init'),
      (e: Error) => e instanceof InputError,
    )
  assert.throws(() => stream(0, 'x').below(0), /below\(0\)/)
  assert.throws(() => {
    stream(0, 'x').position = -1
  }, /position -1/)
})

test.run()
