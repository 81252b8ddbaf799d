// ImageFolder, as torchvision has it: every folder in `train` is a class, classes are numbered in the order of their
// sorted names, pictures of a class are taken from its folder and all below it, sorted. A decoder is handed in.

import { InputError } from '../errors.ts'
import type { FileLayer } from '../io/files.ts'
import { type Dataset, meanStd, type Picture } from './dataset.ts'

export type Decoder = (bytes: Uint8Array, file: string) => Picture | Promise<Picture>

const readable = /\.(png|jpe?g)$/i
const unreadable = /\.(ppm|bmp|pgm|tiff?|webp|gif|avif)$/i

/** Mean and standard deviation with which pictures of ImageNet are normalised everywhere. */
export const imagenetColours = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/**
 * Reads `root/train` and `root/val` (or `root/test`), channels red, green, blue; mean and std are those of the training
 * pictures.
 *
 * **Sizes.** Every picture becomes size x size: the shorter side is resized to `size` by antialiased bilinear
 * interpolation (a triangle as wide as the reduction), the other side in proportion, rounded down; then the centre is
 * cropped. Without `options.size` pictures that all have one size keep it, square or not; others get the median of the
 * training pictures' shorter sides. All pictures are held in memory.
 * @throws InputError for a missing or empty folder, a class without pictures, classes that differ between the two
 * folders, a picture that is corrupt or in another format than PNG and JPEG, a size below 1
 */
export async function readFolder(
  files: FileLayer,
  root: string,
  decode: Decoder,
  options: { name?: string; size?: number } = {},
): Promise<{ train: Dataset; test: Dataset }> {
  const { name = 'imagefolder', size } = options
  if (size !== undefined) checkSize(root, size)
  const listing = await listFolder(files, root)
  const train = await readSplit(files, listing.train, decode, size)
  const test = await readSplit(files, listing.test, decode, size)
  const [height, width] = size ? [size, size] : commonSize(train.pictures, test.pictures)
  const known = meanStd(planar(train.pictures, height, width), 3, height * width)
  const dataset = ({ pictures, labels, classes }: Split): Dataset => {
    const images = planar(pictures, height, width)
    return { name, images, labels, n: pictures.length, channels: 3, height, width, classes, ...known }
  }
  return { train: dataset(train), test: dataset(test) }
}

/**
 * The same folders, for sets that memory does not hold: a picture is read and decoded when a batch has it, and brought
 * to size x size (default 224) on the device, as it is done for ImageNet; see `pictureSource`. Colours are normalised
 * with ImageNet's mean and standard deviation. Only the folders are looked at here.
 * @throws InputError for a missing or empty folder, a class without pictures, classes that differ between the two
 * folders, a picture in another format than PNG and JPEG, a size below 1
 */
export async function openFolder(
  files: FileLayer,
  root: string,
  decode: Decoder,
  { name = 'imagenet', size = 224 }: { name?: string; size?: number } = {},
): Promise<{ train: Dataset; test: Dataset }> {
  checkSize(root, size)
  const listing = await listFolder(files, root)
  const dataset = ({ names, labels, classes }: Listing): Dataset => ({
    name,
    images: new Uint8Array(0),
    files: {
      names,
      read: async (row) => decode(await files.readFile(`${root}/${names[row]}`), `${root}/${names[row]}`),
    },
    labels,
    n: names.length,
    channels: 3,
    height: size,
    width: size,
    classes,
    ...imagenetColours,
  })
  return { train: dataset(listing.train), test: dataset(listing.test) }
}

function checkSize(root: string, size: number): void {
  if (Number.isInteger(size) && size >= 1) return
  throw new InputError(`${root}: pictures of size ${size}, a whole number of at least 1 is needed`)
}

/** Which pictures a folder has, as paths from the root, and of which class. */
interface Listing {
  root: string
  names: string[]
  labels: Uint8Array | Uint16Array
  classes: string[]
}

interface Split extends Omit<Listing, 'root' | 'names'> {
  pictures: Picture[]
}

async function listFolder(files: FileLayer, root: string): Promise<{ train: Listing; test: Listing }> {
  const held = await firstFolder(files, root, ['val', 'test'])
  const train = await listSplit(files, root, await firstFolder(files, root, ['train']))
  const test = await listSplit(files, root, held)
  const differing = [...train.classes, ...test.classes].find(
    (name) => !train.classes.includes(name) || !test.classes.includes(name),
  )
  if (differing !== undefined) {
    const where = train.classes.includes(differing) ? held : 'train'
    throw new InputError(`${root}/${where}: the class ${differing} is missing here`)
  }
  return { train, test }
}

async function firstFolder(files: FileLayer, root: string, names: string[]): Promise<string> {
  for (const name of names) if (await files.exists(`${root}/${name}`)) return name
  throw new InputError(`${root}: no folder ${names.join(' or ')} in it, with a folder of pictures for each class`)
}

async function listSplit(files: FileLayer, root: string, folder: string): Promise<Listing> {
  const entries = await files.list(`${root}/${folder}`)
  const classes = entries.filter((entry) => entry.isFolder).map((entry) => entry.name)
  if (classes.length === 0) throw new InputError(`${root}/${folder}: empty, a folder for each class is needed`)
  const names: string[] = []
  const labels: number[] = []
  for (const [label, name] of classes.entries()) {
    const found = await picturesBelow(files, root, `${folder}/${name}`)
    if (found.length === 0) throw new InputError(`${root}/${folder}/${name}: a class without pictures (PNG, JPEG)`)
    for (const file of found) {
      names.push(file)
      labels.push(label)
    }
  }
  return { root, names, labels: classes.length > 256 ? Uint16Array.from(labels) : Uint8Array.from(labels), classes }
}

async function readSplit(
  files: FileLayer,
  { root, names, labels, classes }: Listing,
  decode: Decoder,
  size?: number,
): Promise<Split> {
  const pictures: Picture[] = []
  for (const name of names) {
    const picture = await decode(await files.readFile(`${root}/${name}`), `${root}/${name}`)
    // Shrunk at once where the target is known, so that large pictures are not all held.
    pictures.push(size ? resizeAndCrop(picture, size) : picture)
  }
  return { pictures, labels, classes }
}

/** Folders within each other; where there are more a link leads back to one of them. */
const deepest = 32

/** Files of a folder, then those of its folders, each sorted. */
async function picturesBelow(files: FileLayer, root: string, folder: string, depth = 1): Promise<string[]> {
  if (depth > deepest) {
    throw new InputError(`${root}/${folder}: ${depth} folders in each other; does a link lead back to one above it?`)
  }
  const entries = await files.list(`${root}/${folder}`)
  const found: string[] = []
  for (const { name, isFolder } of entries) {
    const path = `${folder}/${name}`
    if (isFolder) continue
    if (unreadable.test(name)) throw new InputError(`${root}/${path}: only PNG and JPEG can be read, convert it`)
    if (readable.test(name)) found.push(path)
  }
  for (const { name, isFolder } of entries) {
    if (isFolder) for (const path of await picturesBelow(files, root, `${folder}/${name}`, depth + 1)) found.push(path)
  }
  return found
}

function commonSize(train: Picture[], test: Picture[]): [number, number] {
  const [{ height, width }] = train
  if ([...train, ...test].every((picture) => picture.height === height && picture.width === width))
    return [height, width]
  const shorter = train.map((picture) => Math.min(picture.height, picture.width)).sort((a, b) => a - b)
  const median = shorter[(shorter.length - 1) >> 1]
  return [median, median]
}

/** [n, 3, height, width] of pictures that have that size or, where it is square, are brought to it. */
function planar(pictures: Picture[], height: number, width: number): Uint8Array {
  const pixels = height * width
  const images = new Uint8Array(pictures.length * 3 * pixels)
  for (const [n, picture] of pictures.entries()) {
    const fits = picture.height === height && picture.width === width
    const { rgb } = fits ? picture : resizeAndCrop(picture, height)
    for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) images[(n * 3 + c) * pixels + i] = rgb[i * 3 + c]
  }
  return images
}

/** The rule of `readFolder`: shorter side to `size`, antialiased bilinear, centre crop. */
export function resizeAndCrop(picture: Picture, size: number): Picture {
  const { width, height, rgb } = picture
  const shorter = Math.min(width, height)
  const columns = filterTaps(width, Math.floor((width * size) / shorter), size)
  const rows = filterTaps(height, Math.floor((height * size) / shorter), size)
  // Of a picture much higher than wide, only the rows that are kept.
  const [top, last] = [rows[0].first, rows[size - 1]]
  const below = last.first + last.weights.length
  const narrow = new Float64Array((below - top) * size * 3)
  for (let y = top; y < below; y++) {
    for (const [x, { first, weights }] of columns.entries()) {
      for (let c = 0; c < 3; c++) {
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += weights[k] * rgb[(y * width + first + k) * 3 + c]
        narrow[((y - top) * size + x) * 3 + c] = sum
      }
    }
  }
  const out = new Uint8Array(size * size * 3)
  for (const [y, { first, weights }] of rows.entries()) {
    for (let i = 0; i < size * 3; i++) {
      let sum = 0
      for (let k = 0; k < weights.length; k++) sum += weights[k] * narrow[(first - top + k) * size * 3 + i]
      out[y * size * 3 + i] = Math.round(sum)
    }
  }
  return { width: size, height: size, rgb: out }
}

/** For each of the `kept` middle positions of a side resized from `from` to `to`: the weights of its sources. */
function filterTaps(from: number, to: number, kept: number): { first: number; weights: number[] }[] {
  const scale = from / to
  const reach = Math.max(scale, 1)
  const skipped = (to - kept) >> 1
  return Array.from({ length: kept }, (_, i) => {
    const centre = (i + skipped + 0.5) * scale
    const first = Math.max(0, Math.ceil(centre - reach - 0.5))
    const last = Math.min(from - 1, Math.floor(centre + reach - 0.5))
    const weights = Array.from({ length: last - first + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / reach),
    )
    const total = weights.reduce((a, b) => a + b, 0)
    return { first, weights: weights.map((weight) => weight / total) }
  })
}
