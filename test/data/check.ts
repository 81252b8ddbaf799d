// What the data tests share: where the sample files are, errors that name their file, small IDX, gzip and PNG files.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { PNG } from 'pngjs'
import * as assert from 'uvu/assert'
import { DistillError } from '../../src/errors.ts'

/** Sample data beside the repository; not part of it, so tests that need it are `skip`ped where it is absent. */
export const shared = process.env.WEBGPU_DISTILL_SHARED ?? '../shared'
export const sample = (path: string): string | undefined =>
  existsSync(join(shared, path)) ? join(shared, path) : undefined

/** `work` ends in a DistillError whose message matches every pattern. */
export async function refused(work: () => unknown, ...patterns: RegExp[]): Promise<void> {
  const error = await Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      (error) => error,
    )
  assert.instance(error, DistillError, `expected an error, got ${error}`)
  for (const pattern of patterns) assert.match(error.message, pattern)
}

export function idxBytes(shape: number[], data: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length)
  bytes.set([0, 0, 8, shape.length])
  const view = new DataView(bytes.buffer)
  for (const [i, size] of shape.entries()) view.setUint32(4 + 4 * i, size)
  bytes.set(data, 4 + 4 * shape.length)
  return bytes
}

export const gzip = (bytes: Uint8Array): Uint8Array => new Uint8Array(gzipSync(bytes))

/** Small reproducible bytes. */
export function noise(n: number, seed = 1): Uint8Array {
  let state = seed
  return Uint8Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

/** An RGB picture of them. */
export function png(width: number, height: number, seed = 1): Uint8Array {
  const picture = new PNG({ width, height })
  picture.data = Buffer.from(noise(width * height * 3, seed))
  return new Uint8Array(PNG.sync.write(picture, { colorType: 2, inputColorType: 2, inputHasAlpha: false }))
}
