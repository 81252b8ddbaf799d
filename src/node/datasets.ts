// Data sets by name. The search goes from what the user said to what has to be fetched, and says what it does; a set
// that is made up is never taken for a real one.

import { join } from 'node:path'
import { type CifarKind, cifar10, cifar100, cifarDataset } from '../data/cifar.ts'
import { type Dataset, type DatasetPair, makePair } from '../data/dataset.ts'
import { openFolder, readFolder } from '../data/folder.ts'
import { identities } from '../data/identities.ts'
import { fashionMnist, idxDataset } from '../data/idx.ts'
import { synthetic } from '../data/synthetic.ts'
import { InputError } from '../errors.ts'
import type { FolderEntry } from '../io/files.ts'
import { fetchPackages } from './apt.ts'
import { cacheFolder, offlineByEnvironment } from './cache.ts'
import { downloadDataset, type OfficialSource, officialSources } from './fetchData.ts'
import { nodeFiles } from './files.ts'
import { decodePicture } from './jpeg.ts'

export const datasetNames = [
  'fashion-mnist',
  'cifar10',
  'cifar100',
  'imagefolder',
  'imagenet',
  'synthetic',
  'identities',
] as const
export type DatasetName = (typeof datasetNames)[number]

export interface FindOptions {
  /** A folder that must hold the set, itself or in a folder of the set's name; nowhere else is looked then. */
  data?: string
  /** Forbid every download, as WEBGPU_DISTILL_OFFLINE=1 does. */
  offline?: boolean
  /** Gets what is being fetched, its progress, and why a place was passed over; one line at a time. */
  log: (line: string) => void
  /** Give synthetic pictures where the set cannot be had, after saying so. `origin` is 'synthetic' then. */
  allowSynthetic?: boolean
  /** Side in pixels, for imagefolder (see readFolder), imagenet (see openFolder), synthetic and identities. */
  size?: number
  env?: NodeJS.ProcessEnv
  /** Stand-ins for the addresses and the package, for mirrors and tests; `null` for none. */
  official?: OfficialSource | null
  debian?: string | null
  systemFolder?: string
}

interface Halves {
  train: Dataset
  test: Dataset
}

interface Kind {
  /** Names under which the set may lie in a given folder, besides that folder itself. */
  folders: string[]
  /** What a folder with these entries lacks, as a user would look for it. */
  missing(entries: FolderEntry[]): string[]
  read(folder: string, entries: FolderEntry[], size?: number): Promise<Halves>
  /** Debian package and where its files lie once it is installed. */
  debian?: { name: string; folder: string }
  /** Sides and channels of the synthetic pictures that stand in. */
  standIn?: { size: number; channels: number }
}

const idxNames = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'].map((stem) =>
  // Gzipped or not; some archives have a dot before idx.
  [stem, stem.replace('-idx', '.idx')].flatMap((name) => [`${name}-ubyte.gz`, `${name}-ubyte`]),
)
const has = (entries: FolderEntry[], name: string) => entries.some((entry) => entry.name === name)
const load = async (file: string) => ({ file, bytes: await nodeFiles.readFile(file) })

function cifarKind(
  name: string,
  kind: CifarKind,
  folder: string,
  trainFile: string,
  train: RegExp,
  test: string,
): Kind {
  const parts = (entries: FolderEntry[]) => entries.map((entry) => entry.name).filter((file) => train.test(file))
  return {
    folders: [name, folder],
    missing: (entries) => [...(parts(entries).length ? [] : [trainFile]), ...(has(entries, test) ? [] : [test])],
    async read(folder, entries) {
      const half = async (names: string[]) =>
        cifarDataset(name, await Promise.all(names.map((file) => load(join(folder, file)))), kind)
      // One after the other: a fault of a half that nobody waits for yet would end the program.
      return { train: await half(parts(entries)), test: await half([test]) }
    },
    standIn: { size: 32, channels: 3 },
  }
}

const missingSplits = (entries: FolderEntry[]) => [
  ...(has(entries, 'train') ? [] : ['train/']),
  ...(has(entries, 'val') || has(entries, 'test') ? [] : ['val/']),
]

const kinds: Record<Exclude<DatasetName, 'synthetic' | 'identities'>, Kind> = {
  'fashion-mnist': {
    folders: ['fashion-mnist', 'FashionMNIST/raw'],
    missing: (entries) => idxNames.filter((names) => !names.some((name) => has(entries, name))).map(([name]) => name),
    async read(folder, entries) {
      const files = idxNames.map((names) => load(join(folder, names.find((name) => has(entries, name))!)))
      const [x, y, testX, testY] = await Promise.all(files)
      const { classes } = fashionMnist
      return {
        train: await idxDataset('fashion-mnist', x, y, classes, fashionMnist),
        test: await idxDataset('fashion-mnist', testX, testY, classes, fashionMnist),
      }
    },
    debian: { name: 'dataset-fashion-mnist', folder: '/usr/share/datasets/fashion-mnist' },
    standIn: { size: 28, channels: 1 },
  },
  // One batch is enough: smaller sets in the official format are cut so. The hash says which were read.
  cifar10: cifarKind(
    'cifar10',
    cifar10,
    'cifar-10-batches-bin',
    'data_batch_1.bin',
    /^data_batch_\d+\.bin$/,
    'test_batch.bin',
  ),
  cifar100: cifarKind('cifar100', cifar100, 'cifar-100-binary', 'train.bin', /^train\.bin$/, 'test.bin'),
  imagefolder: {
    folders: ['imagefolder'],
    missing: missingSplits,
    read: (folder, _entries, size) => readFolder(nodeFiles, folder, decodePicture, { size }),
  },
  imagenet: {
    folders: ['imagenet', 'ILSVRC/Data/CLS-LOC'],
    missing: missingSplits,
    read: (folder, _entries, size) => openFolder(nodeFiles, folder, decodePicture, { size }),
  },
}

/**
 * The data set `name`. Looked for in `options.data` alone where that is given; else in WEBGPU_DISTILL_DATA, the cache,
 * the system's folder, at its official address (into the cache) and in Debian's package (into the cache, no root).
 * @throws InputError for an unknown name, a set that is nowhere (naming the ways to get it), or corrupt files
 * @throws FileError for files that cannot be read
 */
export async function findDataset(name: string, options: FindOptions): Promise<DatasetPair> {
  if (!datasetNames.includes(name as DatasetName)) {
    throw new InputError(`unknown data set ${name}, allowed are ${datasetNames.join(', ')}`)
  }
  if (name === 'synthetic') return standIn({ size: options.size })
  if (name === 'identities') return madeUp(identities({ size: options.size }))
  const kind = kinds[name as keyof typeof kinds]
  const { log, env = process.env } = options
  const found = await locateDataset(name, options)
  if (env.WEBGPU_DISTILL_DATA && found?.place !== 'given' && found?.place !== 'environment') {
    log(`WEBGPU_DISTILL_DATA=${env.WEBGPU_DISTILL_DATA} has no ${name}`)
  }
  if (found) return open(name, found.folder, options)

  const tried: string[] = []
  for (const fetchInto of waysToFetch(name, kind, options)) {
    try {
      return await open(name, await fetchInto(), options)
    } catch (error) {
      tried.push((error as Error).message)
      log(`${name}: ${(error as Error).message}`)
    }
  }
  const advice = waysToGet(name, kind, options)
  if (!options.allowSynthetic || !kind.standIn) {
    throw new InputError([`${name} was not found.`, ...tried, ...advice].join('\n'))
  }

  log(`WARNING: ${name} WAS NOT FOUND. SYNTHETIC PICTURES ARE USED INSTEAD; the results say nothing about ${name}.`)
  for (const line of advice) log(line)
  return standIn(kind.standIn)
}

/** Where the set lies already; undefined where it is nowhere. Fetches nothing. @throws InputError if not in `data` */
export async function locateDataset(
  name: string,
  options: Omit<FindOptions, 'log'> = {},
): Promise<{ folder: string; place: 'given' | 'environment' | 'cache' | 'system' } | undefined> {
  const kind = kinds[name as keyof typeof kinds]
  const { data, env = process.env } = options
  if (!kind) return // what is made up lies nowhere
  if (data !== undefined) {
    const { folder, missing } = await search(kind, data)
    if (missing.length === 0) return { folder, place: 'given' }
    const names = [data, ...kind.folders.map((folder) => join(data, folder))]
    throw new InputError(`${data}: no ${name} here, missing ${missing.join(', ')} (looked in ${names.join(', ')})`)
  }
  const system = options.systemFolder ?? kind.debian?.folder
  const places = [
    ['environment', env.WEBGPU_DISTILL_DATA],
    ['cache', cached(name, env)],
    ['cache', kind.debian && join(packageFolder(kind.debian.name, env), kind.debian.folder)],
    ['system', system],
  ] as const
  for (const [place, root] of places) {
    if (!root) continue
    const { folder, missing } = await search(kind, root).catch((error) => {
      // A cache that this user may not look into is no reason to stop; a folder that was named is.
      if (place === 'environment') throw error
      return { folder: root, missing: [root] }
    })
    if (missing.length === 0) return { folder, place }
  }
}

const cached = (name: string, env: NodeJS.ProcessEnv) => join(cacheFolder(env), 'data', name)
const packageFolder = (name: string, env: NodeJS.ProcessEnv) => join(cacheFolder(env), 'packages', name)

/** The folder, of `root` and those in it that the set is known by, that lacks least. */
async function search(kind: Kind, root: string): Promise<{ folder: string; missing: string[] }> {
  const results: { folder: string; missing: string[] }[] = []
  for (const folder of [root, ...kind.folders.map((name) => join(root, name))]) {
    const there = await nodeFiles.exists(folder)
    results.push({ folder, missing: kind.missing(there ? await nodeFiles.list(folder) : []) })
  }
  return results.reduce((best, other) => (other.missing.length < best.missing.length ? other : best))
}

async function open(name: string, root: string, { size, env = process.env }: FindOptions): Promise<DatasetPair> {
  const kind = kinds[name as keyof typeof kinds]
  const { folder, missing } = await search(kind, root)
  try {
    if (missing.length > 0) throw new InputError(`${folder}: ${missing.join(', ')} is missing`)
    const { train, test } = await kind.read(folder, await nodeFiles.list(folder), size)
    return await makePair(train, test, folder)
  } catch (error) {
    const ours = error instanceof InputError && folder.startsWith(cacheFolder(env))
    throw ours ? new InputError(`${error.message}; remove ${folder} to have it fetched again`, { cause: error }) : error
  }
}

function waysToFetch(name: string, kind: Kind, options: FindOptions): (() => Promise<string>)[] {
  const { env = process.env, log } = options
  if (options.offline || offlineByEnvironment(env)) return []
  const ways: (() => Promise<string>)[] = []
  const source = options.official === undefined ? officialSources[name] : options.official
  if (source) {
    ways.push(() => {
      log(`downloading ${name} (${source.megabytes} MB) from ${source.addresses[0]} into ${cached(name, env)}`)
      return downloadDataset(source, cached(name, env), { log })
    })
  }
  const debian = options.debian === undefined ? kind.debian?.name : options.debian
  if (debian && kind.debian) {
    const { folder } = kind.debian
    ways.push(async () => join(await fetchPackages([debian], { into: packageFolder(debian, env), log }), folder))
  }
  return ways
}

function waysToGet(name: string, kind: Kind, options: FindOptions): string[] {
  const { env = process.env } = options
  const source = officialSources[name]
  const lines = [
    `To get ${name}, do one of these:`,
    `  --data DIR, or WEBGPU_DISTILL_DATA=DIR, where DIR has ${kind.missing([]).join(', ')}`,
  ]
  if (kind.debian) lines.push(`  apt-get install ${kind.debian.name} (Debian, Ubuntu)`)
  if (source) {
    const names = source.files.map((file) => file.name).join(', ')
    lines.push(`  fetch ${names} from ${source.addresses.join(' or ')}`)
    lines.push(`  and ${source.files[0].members ? 'unpack' : 'put'} it into ${cached(name, env)}`)
  }
  const fetched = source || kind.debian
  if (fetched && (options.offline || offlineByEnvironment(env)))
    lines.push('  run once without --offline (WEBGPU_DISTILL_OFFLINE)')
  return lines
}

async function standIn(options: { size?: number; channels?: number }): Promise<DatasetPair> {
  return madeUp(synthetic(options))
}

const madeUp = ({ train, test }: Halves) => makePair(train, test, 'synthetic')
