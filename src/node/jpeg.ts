// JPEG through sharp, whose libjpeg gives Pillow's bytes: colour, grey, progressive and CMYK. It is asked for when the
// first JPEG comes. It decodes on threads of its own, as many at a time as UV_THREADPOOL_SIZE says (4 where it says
// nothing).

import type { Decoder } from '../data/folder.ts'
import { InputError } from '../errors.ts'
import { decodePng } from './png.ts'

async function sharp() {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    throw new InputError('JPEG pictures need the package sharp: npm install sharp', { cause })
  }
}

/**
 * 8-bit RGB as Pillow's `convert('RGB')` has it: grey is repeated, colour profiles and the camera's orientation are not
 * heeded. @throws InputError that names the file and the fault
 */
export const decodeJpeg: Decoder = async (bytes, file) => {
  const open = await sharp()
  try {
    const picture = open(bytes, { ignoreIcc: true, failOn: 'truncated' })
    const cmyk = (await picture.metadata()).space === 'cmyk'
    const converted = cmyk ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture.toColourspace('srgb')
    const { data, info } = await converted.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
    const { width, height, channels } = info
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    if (channels === 3) return { width, height, rgb: pixels }
    if (cmyk && channels === 4) return { width, height, rgb: fromCmyk(pixels) }
    throw new InputError(`${file}: a JPEG of ${channels} channels`)
  } catch (error) {
    if (error instanceof InputError) throw error
    throw new InputError(`${file}: corrupt or truncated JPEG (${(error as Error).message})`, { cause: error })
  }
}

/** Pillow's conversion, which knows no inks: white less the colour, in what black leaves. */
function fromCmyk(pixels: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((pixels.length / 4) * 3)
  for (let i = 0; i < rgb.length / 3; i++) {
    const white = 255 - pixels[4 * i + 3]
    for (let c = 0; c < 3; c++) {
      const product = pixels[4 * i + c] * white + 128
      rgb[3 * i + c] = white - ((product + (product >> 8)) >> 8)
    }
  }
  return rgb
}

/** PNG or JPEG, by the first bytes and whatever the name says: ImageNet has a PNG called .JPEG. */
export const decodePicture: Decoder = (bytes, file) =>
  bytes[0] === 0xff && bytes[1] === 0xd8 ? decodeJpeg(bytes, file) : decodePng(bytes, file)
