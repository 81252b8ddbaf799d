// The fit of error curves finds the constants that made the points, and obeys its bounds.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fitErrorCurve } from '../../src/report/errorCurve.ts'
import { close } from './check.ts'

const test = suite('report/errorCurve')
const IMAGES = [250, 500, 1000, 2000, 4000]

test('recovers e, c and α of points on a curve', () => {
  for (const [e, c, alpha] of [
    [0.1, 3, 0.5],
    [0, 2, 0.35],
    [0.2, 10, 0.8],
  ]) {
    const found = fitErrorCurve(
      IMAGES,
      IMAGES.map((n) => e + c * n ** -alpha),
    )
    close(found.e, e, 1e-6)
    close(found.c, c, 1e-4)
    close(found.alpha, alpha, 1e-9)
  }
})

test('is no worse than any other allowed curve', () => {
  const errors = [0.31, 0.27, 0.26, 0.22, 0.225]
  const loss = (e: number, c: number, alpha: number) => {
    return IMAGES.reduce((sum, n, i) => sum + (errors[i] - e - c * n ** -alpha) ** 2, 0)
  }
  const found = fitErrorCurve(IMAGES, errors)
  const own = loss(found.e, found.c, found.alpha)
  for (let e = 0; e < 0.3; e += 0.01)
    for (let c = 0; c < 5; c += 0.05)
      for (const alpha of [0.1, 0.3, 0.5, 1, 1.5]) assert.ok(own <= loss(e, c, alpha) + 1e-12)
})

test('errors that rise with the images leave c at 0', () => {
  const { e, c } = fitErrorCurve([1, 2, 3], [0.1, 0.2, 0.3])
  close(e, 0.2, 1e-12)
  assert.is(c, 0)
})

test('two numbers of images are refused', () => {
  assert.throws(() => fitErrorCurve([1, 2], [0.1, 0.2]), /at least three/)
})

test.run()
