// `clean`: removes what was fetched, drivers and data sets, from the cache. Results lie elsewhere and stay.
import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { cacheFolder, inTheMaking, uninstall } from '../node/cache.ts'
import { UsageError } from './usage.ts'

const HELP = `Usage: npx webgpu-distill clean [--yes]

Shows what lies in the cache (drivers, downloaded data sets, tuning) and how large it is, asks, and removes it; --yes does not
ask. Whatever is needed again is fetched again; what a process is fetching now stays. Results and checkpoints are not in
the cache, and stay.
`

/** Names of what this package puts into its cache; whatever else lies there is not ours. */
const OURS = /^(lavapipe-.*|swiftshader-.*|chromium-.*|data|packages|tuning|\.new-.*)$/

export interface CacheEntry {
  name: string
  bytes: number
  /** A process is fetching it, or something into it. */
  busy: boolean
}

export function cacheEntries(folder: string): CacheEntry[] {
  if (!existsSync(folder)) return []
  const size = (path: string): number => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat?.isDirectory()) return stat?.size ?? 0
    return readdirSync(path).reduce((sum, name) => sum + size(join(path, name)), 0)
  }
  const names = readdirSync(folder).filter((name) => OURS.test(name))
  const within = (path: string) => (lstatSync(path).isDirectory() ? readdirSync(path) : [])
  return names.sort().map((name) => {
    const path = join(folder, name)
    return { name, bytes: size(path), busy: [name, ...within(path)].some(inTheMaking) }
  })
}

export async function clean(
  argv: readonly string[],
  { folder = cacheFolder(), say = (line: string): unknown => process.stdout.write(`${line}\n`) } = {},
): Promise<number> {
  const unknown = argv.find((word) => !['--yes', '--help', '-h'].includes(word))
  if (unknown !== undefined) throw new UsageError(`unknown flag '${unknown}'; allowed: --yes --help`)
  if (argv.some((word) => word !== '--yes')) {
    say(HELP.trimEnd())
    return 0
  }
  const all = cacheEntries(folder)
  for (const { name, busy } of all) if (busy) say(`stays, a process is fetching it: ${join(folder, name)}`)
  const entries = all.filter(({ busy }) => !busy)
  if (entries.length === 0) {
    say(`nothing to remove in ${folder}`)
    return 0
  }
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
  for (const { name, bytes } of entries) say(`${megabytes(bytes).padStart(10)}  ${join(folder, name)}`)
  const total = megabytes(entries.reduce((sum, { bytes }) => sum + bytes, 0))
  if (!argv.includes('--yes')) {
    if (!process.stdin.isTTY) throw new UsageError('clean: nobody to ask here; --yes removes it')
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    const answer = await terminal.question(`remove ${total}? [y/N] `)
    terminal.close()
    if (!/^y(es)?$/i.test(answer.trim())) {
      say('nothing removed')
      return 1
    }
  }
  for (const { name } of entries) uninstall(join(folder, name))
  say(`removed ${total}`)
  return 0
}
