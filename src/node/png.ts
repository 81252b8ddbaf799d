// PNG through pngjs: any colour type and depth to 8-bit RGB. pngjs is asked for when the first picture comes, so that
// the package works without it as long as nobody has pictures.

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
  // A row has a byte and a bit a pixel at least, and nothing is packed tighter than 1,032 to 1.
  if (height * (1 + width / 8) > 1032 * view.length)
    fail(`truncated, ${view.length} bytes for ${width}x${height} pixels`)
  const PNG = await pngjs()
  let rgba: Uint8Array
  try {
    rgba = PNG.sync.read(view).data
  } catch (error) {
    return fail(`corrupt or truncated PNG (${(error as Error).message ?? error})`, error)
  }
  if (rgba.length !== width * height * 4) fail('corrupt PNG (two headers)')
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = rgba[i * 4 + c]
  return { width, height, rgb }
}
