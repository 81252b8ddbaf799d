// Open-set recognition: some identities train a network, others are only ever compared with each other by it.
import { InputError } from '../errors.ts'
import { type Dataset, type DatasetPair, meanStd, subset } from './dataset.ts'

/**
 * Holds out the last `heldOut` classes, by default the last third: training and test pictures of them together are
 * `others`, under their old labels. Pictures are normalised with mean and standard deviation of those that train.
 * @throws InputError where fewer than two identities are left on a side, or one held out has fewer than two pictures
 */
export function openSet(
  { train, test, hash, origin }: DatasetPair,
  heldOut: number | null,
): DatasetPair & { others: Dataset } {
  const total = train.classes.length
  const held = heldOut ?? Math.floor(total / 3)
  const kept = total - held
  if (!(Number.isInteger(held) && held >= 2 && kept >= 2)) {
    throw new InputError(`${train.name}: ${held} of ${total} identities held out; at least two are needed on each side`)
  }
  const classes = train.classes.slice(0, kept)
  const rowsOf = ({ labels }: Dataset, wanted: (label: number) => boolean) => {
    return Uint32Array.from(labels.keys()).filter((row) => wanted(labels[row]))
  }
  const half = (data: Dataset) => {
    const rows = rowsOf(data, (label) => label < kept)
    if (rows.length === 0) throw new InputError(`${data.name}: no test picture of an identity that trains`)
    return subset(data, rows)
  }
  const left = half(train)
  const pixels = train.height * train.width
  const { mean, std } = train.files ? train : meanStd(left.images, train.channels, pixels)
  const known = { classes, mean, std }
  const others = joined([train, test].map((data) => [data, rowsOf(data, (label) => label >= kept)]))
  for (let label = kept; label < total; label++) {
    const pictures = others.labels.filter((other) => other === label).length
    if (pictures < 2) {
      throw new InputError(`${train.name}: ${train.classes[label]} has ${pictures} picture; pairs need two`)
    }
  }
  return {
    train: { ...left, ...known },
    test: { ...half(test), ...known },
    others: { ...others, classes: train.classes, mean, std },
    hash,
    origin,
  }
}

/** The pictures of several sets, one after the other. */
function joined(parts: [Dataset, Uint32Array][]): Dataset {
  const sets = parts.filter(([, rows]) => rows.length > 0).map(([data, rows]) => subset(data, rows))
  const [first, ...more] = sets
  if (more.length === 0) return first
  const n = sets.reduce((sum, set) => sum + set.n, 0)
  const images = new Uint8Array(sets.reduce((sum, set) => sum + set.images.length, 0))
  const labels = first.labels instanceof Uint16Array ? new Uint16Array(n) : new Uint8Array(n)
  let [at, row] = [0, 0]
  for (const set of sets) {
    images.set(set.images, at)
    labels.set(set.labels, row)
    at += set.images.length
    row += set.n
  }
  const files = first.files && {
    names: sets.flatMap((set) => set.files!.names),
    read: (row: number) => (row < first.n ? first.files!.read(row) : more[0].files!.read(row - first.n)),
  }
  return { ...first, images, labels, n, files }
}
