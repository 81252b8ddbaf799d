// PNG through pngjs: any colour type and depth to 8-bit RGB. pngjs is asked for when the first picture comes, so that
// the package works without it as long as nobody has pictures.

import { constants, inflateSync } from 'node:zlib'
import type { Decoder } from '../data/folder.ts'
import { InputError } from '../errors.ts'

/** A header can claim 2^31 x 2^31 pixels; memory for them would be asked before the first byte is looked at. */
const maxPixels = 1 << 26

async function pngjs() {
  try {
    return (await import('pngjs')).PNG
  } catch (cause) {
    throw new InputError('PNG pictures need the package pngjs: npm install pngjs', { cause })
  }
}

/** Values of a pixel, by the colour type. */
const values: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** First column and row of every pass of an interlaced picture, and the steps between them. */
const passes = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/**
 * Throws where the data are not those of all pixels: pngjs takes whatever its memory held for what a short stream lacks,
 * and unpacks an interlaced one of any length.
 */
function checkPixels(view: Buffer, width: number, height: number): void {
  const [depth, colour, interlaced] = [view[24], view[25], view[28] === 1]
  const parts: Buffer[] = []
  for (let at = 33, length = 0; at + 8 <= view.length; at += 12 + length) {
    length = view.readUInt32BE(at)
    const type = view.toString('latin1', at + 4, at + 8)
    if (type === 'IHDR') throw new Error('two headers')
    if (type === 'IDAT') parts.push(view.subarray(at + 8, at + 8 + length))
  }
  const row = (columns: number) => (columns > 0 ? 1 + Math.ceil((columns * depth * (values[colour] ?? 1)) / 8) : 0)
  const need = (interlaced ? passes : [[0, 0, 1, 1]]).reduce((sum, [x, y, dx, dy]) => {
    return sum + row(Math.ceil((width - x) / dx)) * Math.max(0, Math.ceil((height - y) / dy))
  }, 0)
  let have: number
  try {
    // Without the checksum at its end a stream is taken, as by libpng.
    have = inflateSync(Buffer.concat(parts), { maxOutputLength: need, finishFlush: constants.Z_SYNC_FLUSH }).length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error
    if (interlaced) throw new Error(`more than the ${need} bytes of ${width}x${height} pixels`)
    return
  }
  if (have < need) throw new Error(`${have} of the ${need} bytes of ${width}x${height} pixels`)
}

/** 8-bit RGB: grey is repeated, alpha is dropped (not blended). @throws InputError that names the file and the fault */
export const decodePng: Decoder = async (bytes, file) => {
  const fail = (fault: string, cause?: unknown): never => {
    throw new InputError(`${file}: ${fault}`, { cause })
  }
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.length < 33) fail(`truncated, ${view.length} bytes are no PNG`)
  if (view.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') fail('not a PNG file')
  const [width, height] = [view.readUInt32BE(16), view.readUInt32BE(20)]
  if (width === 0 || height === 0) fail(`a picture of ${width}x${height} pixels`)
  if (width * height > maxPixels) fail(`${width}x${height} pixels, at most ${maxPixels} can be read`)
  try {
    checkPixels(view, width, height)
  } catch (error) {
    fail(`corrupt or truncated PNG (${(error as Error).message})`, error)
  }
  const PNG = await pngjs()
  let rgba: Uint8Array
  try {
    rgba = PNG.sync.read(view).data
  } catch (error) {
    return fail(`corrupt or truncated PNG (${(error as Error).message ?? error})`, error)
  }
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = rgba[i * 4 + c]
  return { width, height, rgb }
}
