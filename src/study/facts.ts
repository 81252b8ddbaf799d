// Facts that go into a run's record: version, commit, versions of what it runs on, the command.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DatasetPair } from '../data/dataset.ts'
import { isSynthetic } from '../report/caption.ts'
import type { Run } from '../report/index.ts'
import { quoted, type StudyArguments } from './args.ts'
import { isOfPaper } from './launcher.ts'
import { MOST_CLASSES } from './measure.ts'

export const VERSION = __VERSION__
export const FINGERPRINT = __NUMERICS__

/** The folder of this package, from wherever the bundle lies in it. */
export function packageFolder(from = fileURLToPath(import.meta.url)): string | null {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'webgpu-distill') return folder
  }
  return null
}

/** The commit of our own checkout, with `-dirty` where files differ from it; null in an installed package. */
export function commit(folder = packageFolder()): string | null {
  if (!folder || !existsSync(join(folder, '.git'))) return null
  try {
    const args = ['-C', folder, 'describe', '--always', '--dirty', '--abbrev=40', '--exclude=*']
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() || null
  } catch {
    return null
  }
}

/** Version of an installed package; null where it is absent. */
export function versionOf(name: string): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve(name)
    for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
      const manifest = join(folder, 'package.json')
      if (!existsSync(manifest)) continue
      const { name: found, version } = JSON.parse(readFileSync(manifest, 'utf8'))
      if (found === name) return version
    }
  } catch {
    return null
  }
  return null
}

/** The command that does this again. */
export function commandOf(argv: readonly string[], study: string, script = process.argv[1] ?? ''): string {
  const launcher = isOfPaper(script) ? `node bench/${study}.js` : `npx webgpu-distill ${study}`
  return [launcher, ...argv.map(quoted)].join(' ')
}

/** The part of a run's record that its device tells. */
export type DeviceFacts = Pick<Run, 'adapter' | 'driver' | 'features' | 'software' | 'choices'> & {
  subgroupSize: number
}

/** A run's record. */
export function runFacts(
  { adapter, driver, features, software, subgroupSize, choices }: DeviceFacts,
  data: DatasetPair,
  paper: string,
  { recipe, overrides }: StudyArguments,
  argv: readonly string[],
): Run {
  return {
    version: VERSION,
    commit: commit(),
    adapter,
    driver,
    features,
    seeds: recipe.seeds,
    dataHash: data.hash,
    fingerprint: FINGERPRINT,
    command: commandOf(argv, paper),
    paper,
    preset: recipe.preset,
    dataset: data.origin === 'synthetic' && !isSynthetic(recipe.dataset) ? 'synthetic' : recipe.dataset,
    ...(data.train.classes.length <= MOST_CLASSES && { classes: data.train.classes }),
    config: { ...recipe },
    date: new Date().toISOString(),
    software,
    overrides,
    subgroupSize,
    node: process.version,
    ...(choices ? { choices } : {}),
  }
}
