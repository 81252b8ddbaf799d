// A folder of pictures, seen through whatever decodes them here: the browser and Node run this.
import { type Decoder, type Engine, openFolder, pictureSource, Scalar, stream } from '../../src/index.ts'
import { memoryFiles } from '../memoryFiles.ts'

const side = 16

/** Files as base64 by path below `set/` → the pixels of the decoded pictures, and an augmented view of all of them. */
export async function pictureFolder(engine: Engine, decode: Decoder, encoded: Record<string, string>) {
  const bytes = Object.entries(encoded).map(([path, text]): [string, Uint8Array] => [
    `set/${path}`,
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
  ])
  const { train } = await openFolder(memoryFiles(Object.fromEntries(bytes)), 'set', decode, { size: side })
  const source = pictureSource(engine.gpu, train, train.n)
  const augmentation = {
    shift: 0,
    flip: false,
    crop: { scale: [0.3, 1], ratio: [0.75, 4 / 3] },
    key: stream(0, 'augment').key,
    counter: new Scalar('augmented', 0),
  } as const
  const step = engine.capture('view', () => source.view({ height: side, width: side, augmentation }))
  const rows = Uint32Array.from({ length: train.n }, (_, i) => i)
  await source.select(rows)
  step.run()
  const pictures = await Promise.all(Array.from(rows, (row) => train.files!.read(row)))
  return {
    names: train.files!.names,
    pictures: pictures.map(({ width, height, rgb }) => ({ width, height, rgb: [...rgb] })),
    view: [...(await step.outputs.read())],
  }
}
