// Distances between networks by what they answer, and their scaling to a plane.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mapFigures } from '../../src/report/figuresMap.ts'
import { divergence, scaled, squaredDistances } from '../../src/report/functionMap.ts'
import type { MapPoint } from '../../src/report/rows.ts'
import { close } from './check.ts'
import { checkTexts } from './texts.ts'

const test = suite('report/functionMap')

test('the divergence of two distributions, by hand', () => {
  const p = Float64Array.of(1, 0, 0.5, 0.5)
  const q = Float64Array.of(0, 1, 0.5, 0.5)
  close(divergence(p, q, 2), Math.log(2) / 2)
  close(divergence(p, p, 2), 0)
  const half = 0.5 * (0.75 * Math.log(0.75 / 0.5) + 0.25 * Math.log(0.25 / 0.5)) * 2
  close(divergence(Float64Array.of(0.75, 0.25), Float64Array.of(0.25, 0.75), 2), half)
})

test('logits that differ by a constant answer alike', () => {
  const [[, same]] = squaredDistances([Float32Array.of(1, 2, 3), Float32Array.of(11, 12, 13)], 3)
  close(same, 0, 1e-12)
})

test('points of a plane come back as they were, up to turning', () => {
  const points = [0, 1, 2, 3, 4, 5].map((i) => [Math.cos(2.2 * i) * (i + 1), Math.sin(1.3 * i) * 2])
  const squared = points.map(([x, y]) => Float64Array.from(points, ([u, v]) => (x - u) ** 2 + (y - v) ** 2))
  const { points: found, share } = scaled(squared)
  close(share, 1, 1e-9)
  for (const [i, [x, y]] of found.entries())
    for (const [j, [u, v]] of found.entries()) close((x - u) ** 2 + (y - v) ** 2, squared[i][j], 1e-6)
  assert.ok(found[5][0] >= 0 && found[5][1] >= 0)
})

test('a map says how much of the distances it holds, where that is known', () => {
  const at = { method: 'online', generation: 0, temperature: null, teacher: null, size: 7, seed: 0 }
  const map = [0, 1, 2].map((i): MapPoint => ({ ...at, epoch: i + 1, x: i, y: i % 2 }))
  const [told] = mapFigures({ map, mapShare: 0.564 })
  checkTexts(told)
  assert.match(told.svg.text, '>of the squared distances 56 % lie in this plane<')
  const [older] = mapFigures({ map })
  assert.not.match(older.svg.text, 'squared')
})

test('equal networks lie on one point', () => {
  const { points } = scaled([0, 1, 2].map(() => new Float64Array(3)))
  assert.equal(
    points,
    [0, 1, 2].map(() => [0, 0]),
  )
})

test.run()
