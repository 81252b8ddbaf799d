// The binary versions of CIFAR: records of one label byte (CIFAR-100: coarse, then fine) and 3,072 bytes of picture,
// red, green and blue planes of 32x32, which is our own order already.

import { InputError } from '../errors.ts'
import { checkLabels, type Dataset, type NamedBytes } from './dataset.ts'

const pictureBytes = 3 * 32 * 32

export interface CifarKind {
  /** Label bytes before each picture; the last one counts (CIFAR-100: the fine label). */
  labelBytes: 1 | 2
  classes: string[]
  mean: number[]
  std: number[]
}

/**
 * The records of `parts`, one after the other.
 * @throws InputError that names the file and the fault (cut record, wrong label, no part)
 */
export function cifarDataset(name: string, parts: NamedBytes[], kind: CifarKind): Dataset {
  const record = kind.labelBytes + pictureBytes
  for (const { file, bytes } of parts) {
    if (bytes.length === 0) throw new InputError(`${file}: empty`)
    if (bytes.length % record !== 0) {
      const whole = Math.floor(bytes.length / record)
      throw new InputError(
        `${file}: truncated or not ${name}, ${bytes.length} bytes are ${whole} records of ${record} and ${bytes.length % record} bytes`,
      )
    }
  }
  const n = parts.reduce((sum, { bytes }) => sum + bytes.length / record, 0)
  if (n === 0) throw new InputError(`${name}: no file with pictures`)
  const images = new Uint8Array(n * pictureBytes)
  const labels = new Uint8Array(n)
  let at = 0
  for (const { file, bytes } of parts) {
    const first = at
    for (let base = 0; base < bytes.length; base += record, at++) {
      labels[at] = bytes[base + kind.labelBytes - 1]
      images.set(bytes.subarray(base + kind.labelBytes, base + record), at * pictureBytes)
    }
    checkLabels(labels.subarray(first, at), kind.classes.length, file)
  }
  const { classes, mean, std } = kind
  return { name, images, labels, n, channels: 3, height: 32, width: 32, classes, mean, std }
}

export const cifar10: CifarKind = {
  labelBytes: 1,
  classes: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.247, 0.2435, 0.2616],
}

export const cifar100: CifarKind = {
  labelBytes: 2,
  classes: (
    'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle ' +
    'caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant ' +
    'flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man ' +
    'maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree ' +
    'plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper ' +
    'snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train ' +
    'trout tulip turtle wardrobe whale willow_tree wolf woman worm'
  ).split(' '),
  mean: [0.5071, 0.4865, 0.4409],
  std: [0.2673, 0.2564, 0.2762],
}
