// A data set is bytes, labels and what is known about them. Pictures stay bytes until a kernel normalises them, so
// that a set of 60,000 is 47 MB and its hash says exactly what was trained on.

import { InputError } from '../errors.ts'

/** A decoded picture. */
export interface Picture {
  width: number
  height: number
  /** [height, width, 3], red, green, blue interleaved. */
  rgb: Uint8Array
}

/** Pictures of any size that are read and decoded when they are wanted. */
export interface PictureFiles {
  /** Their paths within the data set. */
  names: string[]
  read(row: number): Promise<Picture>
}

export interface Dataset {
  name: string
  /** [n, channels, height, width], a byte a value, planar. Empty where there are `files`. */
  images: Uint8Array
  /** In place of `images`, for sets that memory does not hold; every picture is brought to height x width. */
  files?: PictureFiles
  /** [n], in 0 … classes.length - 1. */
  labels: Uint8Array | Uint16Array
  n: number
  channels: number
  height: number
  width: number
  classes: string[]
  /** Of each channel, over pictures scaled to [0, 1]. */
  mean: number[]
  std: number[]
}

export interface DatasetPair {
  train: Dataset
  test: Dataset
  /** Pictures of classes that neither of them has (`openSet`). */
  others?: Dataset
  /** SHA-256 over all bytes (or names of files), labels, sizes and class names, hex. */
  hash: string
  /** Where it was found, or 'synthetic'. */
  origin: string
}

/** A file's bytes with its name, for messages. */
export interface NamedBytes {
  file: string
  bytes: Uint8Array
}

export type Order = (n: number) => ArrayLike<number>

/** @throws InputError where sizes, labels or classes contradict each other, or a class has no picture. */
export function validateDataset(dataset: Dataset): Dataset {
  const { name, images, files, labels, n, channels, height, width, classes, mean, std } = dataset
  const fail = (fault: string): never => {
    throw new InputError(`${name}: ${fault}`)
  }
  if (!(n > 0)) fail(`${n} pictures, at least one is needed`)
  for (const [what, size] of Object.entries({ channels, height, width })) {
    if (!Number.isInteger(size) || size < 1) fail(`${what} is ${size}, at least 1 is needed`)
  }
  const bytes = files ? 0 : n * channels * height * width
  if (files && files.names.length !== n) fail(`${n} pictures and ${files.names.length} files`)
  if (images.length !== bytes)
    fail(`${n} pictures ${channels}x${height}x${width} need ${bytes} bytes, not ${images.length}`)
  if (labels.length !== n) fail(`${n} pictures and ${labels.length} labels`)
  if (mean.length !== channels || std.length !== channels) fail(`mean and std of ${channels} channels are needed`)
  if (!std.every((value) => value > 0)) fail(`standard deviation ${std.join(', ')}: all pictures are of one colour`)
  checkLabels(labels, classes.length, name)
  const counts = countLabels(labels, classes.length)
  const empty = counts.indexOf(0)
  if (empty >= 0) fail(`class ${empty} (${classes[empty]}) has no picture`)
  return dataset
}

/** @throws InputError that names `file`, the first wrong label and where it stands. */
export function checkLabels(labels: ArrayLike<number>, classes: number, file: string): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] >= classes) {
      throw new InputError(`${file}: picture ${i} has the label ${labels[i]}, allowed are 0 to ${classes - 1}`)
    }
  }
}

/** How many pictures each class has. */
export function countLabels(labels: ArrayLike<number>, classes: number): Uint32Array {
  const counts = new Uint32Array(classes)
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++
  return counts
}

/**
 * Mean and population standard deviation of each channel over [0, 1], from counts of the 256 values: exact, and the
 * same in whatever order the pictures lie.
 */
export function meanStd(images: Uint8Array, channels: number, pixels: number): { mean: number[]; std: number[] } {
  const mean: number[] = []
  const std: number[] = []
  for (let c = 0; c < channels; c++) {
    const counts = new Float64Array(256)
    for (let base = c * pixels; base < images.length; base += channels * pixels) {
      for (let i = 0; i < pixels; i++) counts[images[base + i]]++
    }
    const total = counts.reduce((sum, count) => sum + count, 0)
    const average = counts.reduce((sum, count, value) => sum + count * value, 0) / total
    const variance = counts.reduce((sum, count, value) => sum + count * (value - average) ** 2, 0) / total
    mean.push(average / 255)
    std.push(Math.sqrt(variance) / 255)
  }
  return { mean, std }
}

/**
 * A copy of the pictures at `indices`, in that order, with the whole set's mean and std.
 * @throws InputError for no index, or one that is not there
 */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const { name, images, files, labels, n, channels, height, width } = dataset
  if (indices.length === 0) throw new InputError(`${name}: a subset of 0 pictures`)
  const size = files ? 0 : channels * height * width
  const kept = new Uint8Array(indices.length * size)
  const keptLabels = labels instanceof Uint16Array ? new Uint16Array(indices.length) : new Uint8Array(indices.length)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]
    if (!(Number.isInteger(index) && index >= 0 && index < n)) {
      throw new InputError(`${name}: no picture ${index}, there are ${n}`)
    }
    kept.set(images.subarray(index * size, (index + 1) * size), i * size)
    keptLabels[i] = labels[index]
  }
  const chosen: PictureFiles | undefined = files && {
    names: Array.from(indices, (index) => files.names[index]),
    read: (row) => files.read(indices[row]),
  }
  return { ...dataset, images: kept, files: chosen, labels: keptLabels, n: indices.length }
}

/** How many pictures of each class a balanced subset of n has. */
export function balancedShares(n: number, classes: number): Uint32Array {
  return Uint32Array.from({ length: classes }, (_, k) => Math.floor(n / classes) + (k < n % classes ? 1 : 0))
}

/**
 * `n` indices with as many of each class as of any other (the first n mod classes classes have one more), in the
 * sequence of `order(labels.length)`, which must be a permutation and the same one at each call.
 * @throws InputError where n is no positive integer or a class has too few pictures
 */
export function balancedSubset(labels: ArrayLike<number>, classes: number, n: number, order: Order): Uint32Array {
  if (!Number.isInteger(n) || n < 1) throw new InputError(`a subset of ${n} pictures, at least 1 is needed`)
  const left = balancedShares(n, classes)
  const counts = countLabels(labels, classes)
  const short = left.findIndex((need, k) => need > counts[k])
  if (short >= 0) {
    throw new InputError(`a balanced subset of ${n} needs ${left[short]} of class ${short}, there are ${counts[short]}`)
  }
  const permutation = order(labels.length)
  const indices = new Uint32Array(n)
  for (let i = 0, found = 0; found < n; i++) {
    const index = permutation[i]
    if (left[labels[index]] === 0) continue
    left[labels[index]]--
    indices[found++] = index
  }
  return indices
}

/**
 * The next `n` indices of the same order that are not in `taken`: pictures that nothing was trained on.
 * @throws InputError where fewer than n are left
 */
export function heldOut(total: number, n: number, taken: ArrayLike<number>, order: Order): Uint32Array {
  const used = new Uint8Array(total)
  for (let i = 0; i < taken.length; i++) used[taken[i]] = 1
  const left = Array.from(order(total)).filter((index) => !used[index])
  if (!Number.isInteger(n) || n < 1 || n > left.length) {
    throw new InputError(`${n} held-out pictures asked for, ${left.length} of ${total} are outside the subset`)
  }
  return Uint32Array.from(left.slice(0, n))
}

/** SHA-256, hex. Browsers offer it in secure contexts (https, localhost) only. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Validates both halves, checks that they belong together, and hashes them (a hash of the parts' hashes). Of pictures
 * in files the names are hashed, not what is in them.
 */
export async function makePair(train: Dataset, test: Dataset, origin: string): Promise<DatasetPair> {
  const lines: string[] = []
  for (const half of [train, test]) {
    const { images, files, labels, channels, height, width, n, classes } = validateDataset(half)
    const contents = files ? new TextEncoder().encode(files.names.join('\n')) : images
    const labelBytes = new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength)
    lines.push(
      JSON.stringify({ n, channels, height, width, classes }),
      await sha256(contents),
      await sha256(labelBytes),
    )
  }
  const shape = ({ channels, height, width, classes }: Dataset) => [channels, height, width, classes.join()].join(' x ')
  if (shape(train) !== shape(test)) {
    throw new InputError(`${train.name}: training pictures are ${shape(train)}, test pictures ${shape(test)}`)
  }
  return { train, test, hash: await sha256(new TextEncoder().encode(lines.join('\n'))), origin }
}
