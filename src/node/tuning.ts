// Tunings in the user's cache: a file for every adapter, driver and size of subgroups.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type FileLayer, readText } from '../io/files.ts'
import {
  holdsFor,
  mergeTunings,
  parseTuning,
  placeOf,
  type Tuning,
  type TuningPlace,
  tuningText,
} from '../tune/tuning.ts'
import { cacheFolder } from './cache.ts'
import { nodeFiles } from './files.ts'

export interface TuningStore {
  /** Default: `tuning` in the cache folder. */
  folder?: string
  /** Default: the system's files. */
  files?: FileLayer
}

const defaults = ({ folder = join(cacheFolder(), 'tuning'), files = nodeFiles }: TuningStore) => ({ folder, files })

/** Where the tuning of an adapter lies: its name, for people, and a digest of all that it holds for. */
export function tuningPath(info: TuningPlace, folder: string): string {
  const name = info.adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const digest = createHash('sha256')
    .update(JSON.stringify(placeOf(info)))
    .digest('hex')
  return `${folder}/${name.slice(0, 40).replace(/^-|-$/g, '')}-${digest.slice(0, 8)}.json`
}

/**
 * What was stored for this adapter and driver; null where there is nothing, or the file is of others. Throws InputError
 * for a damaged file, FileError for one that can't be read.
 */
export async function storedTuning(info: TuningPlace, store: TuningStore = {}): Promise<Tuning | null> {
  const { folder, files } = defaults(store)
  const path = tuningPath(info, folder)
  if (!(await files.exists(path))) return null
  const tuning = parseTuning(await readText(files, path), path)
  return holdsFor(tuning, info) ? tuning : null
}

/**
 * Adds a tuning to what is stored for its adapter and driver; of a shape tuned before, the new trial stays. Returns the
 * path.
 */
export async function storeTuning(tuning: Tuning, store: TuningStore = {}): Promise<string> {
  const { folder, files } = defaults(store)
  const path = tuningPath(tuning, folder)
  const earlier = await storedTuning(tuning, store)
  await files.makeDir(folder)
  await files.writeAtomic(path, tuningText(earlier ? mergeTunings(earlier, tuning) : tuning))
  return path
}
