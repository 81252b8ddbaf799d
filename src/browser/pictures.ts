// Pictures in browsers: the browser's own decoder.
import type { Decoder } from '../data/folder.ts'
import { InputError } from '../errors.ts'

/**
 * PNG, JPEG and whatever else the browser knows, to 8-bit RGB. Colour profiles and orientation are not heeded. A JPEG
 * gives Pillow's bytes in Chromium; other browsers may differ by a few levels. A picture with transparent pixels is
 * refused: a canvas blends their colours, which Node's decoder hands on as they are.
 * @throws InputError that names the file and the fault
 */
export const decodePicture: Decoder = async (bytes, file) => {
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(new Blob([unturned(bytes)]), { colorSpaceConversion: 'none' })
  } catch (error) {
    throw new InputError(`${file}: no picture that this browser reads (${(error as Error).message})`, { cause: error })
  }
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new InputError(`${file}: this browser gives no canvas of ${width}x${height}`)
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  const rgba = context.getImageData(0, 0, width, height).data
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    if (rgba[i * 4 + 3] < 255) throw new InputError(`${file}: has transparent pixels; save it without transparency`)
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = rgba[i * 4 + c]
  }
  return { width, height, rgb }
}

/** A copy of a JPEG whose EXIF nobody knows for that: browsers turn a picture by it, Node's decoder and Pillow do not. */
function unturned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes)
  if (copy[0] !== 0xff || copy[1] !== 0xd8) return copy
  // From segment to segment, up to where the pixels begin.
  for (let at = 2; copy[at] === 0xff && copy[at + 1] !== 0xda; at += 2 + 256 * copy[at + 2] + copy[at + 3]) {
    if (copy[at + 1] === 0xe1) copy[at + 4] = 0
  }
  return copy
}
