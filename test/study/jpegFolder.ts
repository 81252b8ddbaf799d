// SYNTHETIC pictures in the layout of ImageNet: folders of JPEGs of differing sizes. Waves whose direction and colour
// are the class's, and noise; not photographs, and what is learned from them says nothing about ImageNet.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { stream } from '../../src/random.ts'

/** Writes `folder`/train/nNNNNNNNN/*.JPEG and `folder`/val/…; sizes are about 300x240, some upright. */
export async function writeJpegs(
  folder: string,
  { classes = 10, train = 8, val = 2 }: { classes?: number; train?: number; val?: number } = {},
): Promise<void> {
  const random = stream(0, 'synthetic JPEGs')
  for (const [half, count] of Object.entries({ train, val })) {
    for (let label = 0; label < classes; label++) {
      const name = `n${String(1440764 + label).padStart(8, '0')}`
      mkdirSync(join(folder, half, name), { recursive: true })
      for (let i = 0; i < count; i++) {
        const [long, short] = [280 + random.below(41), 220 + random.below(41)]
        const [width, height] = random.below(4) === 0 ? [short, long] : [long, short]
        const bytes = await picture(width, height, label / classes, random.below(1000))
        writeFileSync(join(folder, half, name, `${name}_${i}.JPEG`), bytes)
      }
    }
  }
}

function picture(width: number, height: number, turn: number, phase: number): Promise<Buffer> {
  const rgb = Buffer.alloc(width * height * 3)
  const noise = stream(phase, 'noise').words(0, rgb.length)
  const [across, down] = [Math.cos(Math.PI * turn) / 9, Math.sin(Math.PI * turn) / 9]
  for (let at = 0; at < rgb.length; at++) {
    const [x, y, c] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3]
    const colour = 60 * Math.cos(2 * Math.PI * (turn + c / 3))
    rgb[at] = 128 + colour + 50 * Math.sin(x * across + y * down + phase) + (noise[at] >>> 28) - 8
  }
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer()
}
