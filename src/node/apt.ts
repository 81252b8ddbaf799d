// Debian packages without root: apt-get runs with list, cache and source folders of its own, so that nothing of the
// machine's is written; what comes is checked by apt against the machine's own keys and unpacked with dpkg-deb.

import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { FileError } from '../errors.ts'
import { install } from './cache.ts'
import { fileFault } from './files.ts'

/** One stanza of APT's sources: deb822 field names, lower case, to their raw text. */
export type AptSource = Map<string, string>

export interface FetchPackagesOptions {
  /** Folder that will hold the unpacked tree. It appears whole, by one rename, or not at all. */
  into: string
  /** Further suites of the machine's release, as suffixes: `['backports']`. They are preferred where they exist. */
  suites?: string[]
  /** Also what the packages depend on, where this machine has not got it already. Default false. */
  dependencies?: boolean
  log: (line: string) => void
}

/**
 * Unpacks `packages` into `options.into` and returns that folder. Does nothing where the folder exists already.
 * Safe for two processes at once: each works in a folder of its own, the first rename wins.
 * @throws FileError where this is no Debian or Ubuntu, apt-get fails, or the folder cannot be written.
 */
export async function fetchPackages(packages: string[], options: FetchPackagesOptions): Promise<string> {
  return install(resolve(options.into), async (tree) => {
    const work = join(tree, '.apt')
    try {
      for (const deb of await downloadPackages(packages, work, options)) {
        await run('dpkg-deb', ['-x', join(work, 'debs', deb), tree], work)
      }
      await rm(work, { recursive: true })
    } catch (error) {
      throw fileFault(`fetch ${packages.join(', ')} into`, options.into, error)
    }
  })
}

async function downloadPackages(packages: string[], work: string, options: FetchPackagesOptions): Promise<string[]> {
  const release = await readRelease()
  const own = archiveSources(await readSources(), release)
  if (own.length === 0) throw new FileError(`apt: no source of ${release.codename || 'this system'} under /etc/apt`)
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs'])
    await mkdir(join(work, folder), { recursive: true })
  await writeFile(join(work, 'apt.conf'), aptConf(work))
  const apt = (args: string[], cwd = work) => run('apt-get', ['-c', join(work, 'apt.conf'), '-q', ...args], cwd)
  const update = async (sources: AptSource[], strict: boolean) => {
    await writeFile(join(work, 'own.sources'), formatSources(sources))
    await apt(strict ? ['-o', 'APT::Update::Error-Mode=any', 'update'] : ['update'])
  }

  let extra = (options.suites ?? []).map((suffix) => `${release.codename}-${suffix}`)
  options.log(`fetching ${packages.join(', ')} with apt-get (no root needed) into ${options.into}`)
  if (extra.length > 0) {
    // Not every release has every suite; without it the release's own packages serve.
    await update(withSuites(own, release, extra), true).catch(() => {
      extra = []
    })
  }
  if (extra.length === 0) await update(own, false)

  const target = extra.length > 0 ? ['-t', extra[0]] : []
  const wanted = new Set(packages)
  if (options.dependencies) {
    const plan = await apt(['-s', '--no-install-recommends', ...target, 'install', ...packages])
    for (const [, name, version] of plan.matchAll(/^Inst (\S+)(?: \[[^\]]*\])? \((\S+)/gm)) {
      wanted.delete(name)
      wanted.add(`${name}=${version}`)
    }
  }
  await apt([...target, 'download', ...wanted], join(work, 'debs'))
  return (await readdir(join(work, 'debs'))).filter((file) => file.endsWith('.deb')).sort()
}

/** The machine's own hooks (cleaning caches, desktop catalogues) are cleared: this run is none of their business. */
function aptConf(work: string): string {
  const settings = {
    'Dir::State': work,
    'Dir::State::Lists': 'lists',
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(work, 'cache'),
    'Dir::Etc::SourceList': join(work, 'own.sources'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Log': work,
    'APT::Sandbox::User': '', // the folder belongs to the caller; APT's own user could not enter it
    'Debug::NoLocking': 'true',
    'Acquire::Languages': 'none',
    'Acquire::PDiffs': 'false',
    'Acquire::Retries': '1',
    'Acquire::http::Timeout': '15',
    'Acquire::https::Timeout': '15',
  }
  const hooks = ['APT::Update::Pre-Invoke', 'APT::Update::Post-Invoke', 'APT::Update::Post-Invoke-Success']
  return [
    ...hooks.map((name) => `#clear ${name};`),
    ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
    '',
  ].join('\n')
}

/** The machine's release: `id` 'debian', 'ubuntu' or other, `codename` as in the suites' names. */
export interface Release {
  id: string
  codename: string
}

export async function readRelease(): Promise<Release> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const fields = new Map(Array.from(text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm), ([, key, value]) => [key, value]))
  const codename = fields.get('UBUNTU_CODENAME') ?? fields.get('DEBIAN_CODENAME') ?? fields.get('VERSION_CODENAME')
  return { id: fields.get('ID') ?? '', codename: codename ?? '' }
}

/** Every source that the machine's APT knows, from both formats. */
async function readSources(): Promise<AptSource[]> {
  const folder = '/etc/apt'
  const parts = await readdir(join(folder, 'sources.list.d')).catch(() => [])
  const files = ['sources.list', ...parts.sort().map((file) => join('sources.list.d', file))]
  const sources: AptSource[] = []
  for (const file of files.filter((name) => /\.(list|sources)$/.test(name))) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '')
    sources.push(...(file.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text)))
  }
  return sources
}

/** deb822 stanzas: `Field: value`, continued by lines that begin with a blank; `#` lines are comments. */
export function parseDeb822(text: string): AptSource[] {
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith('#'))
  const stanzas = lines.join('\n').split(/\n[ \t]*\n/)
  return stanzas
    .map((stanza) => {
      const fields = stanza.matchAll(/^([\w-]+):[ \t]*(.*(?:\n[ \t]+.*)*)/gm)
      return new Map(Array.from(fields, ([, name, value]) => [name.toLowerCase(), value.trimEnd()]))
    })
    .filter((source) => source.has('uris'))
}

const oneLineOptions: Record<string, string> = { arch: 'architectures', 'signed-by': 'signed-by', trusted: 'trusted' }

/** One-line sources: `deb [option=value …] uri suite component…`. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = []
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line)
    if (!match) continue
    const [, types, options = '', uris, suites, components] = match
    const source = new Map(Object.entries({ types, uris, suites, components: components.trim() }))
    for (const option of options.trim().split(/\s+/)) {
      const [name, value] = option.split('=')
      const field = oneLineOptions[name.toLowerCase()] ?? name.toLowerCase()
      if (value) source.set(field, value.replaceAll(',', ' '))
    }
    sources.push(source)
  }
  return sources
}

/**
 * The sources of the distribution's own archive, narrowed to this release and to free components. Others (a vendor's
 * repository, a disc) only cost time.
 */
export function archiveSources(sources: AptSource[], release: Release): AptSource[] {
  const kept: AptSource[] = []
  const words = (source: AptSource, field: string) => (source.get(field) ?? '').split(/\s+/).filter(Boolean)
  for (const source of sources) {
    const uris = words(source, 'uris').filter((uri) => /debian|ubuntu/i.test(uri) && !uri.startsWith('cdrom'))
    const bases = release.codename ? [release.codename, 'stable'] : ['stable', 'testing', 'unstable', 'sid']
    const own = (suite: string) => bases.some((base) => [base, `${base}-updates`, `${base}-security`].includes(suite))
    const suites = words(source, 'suites').filter((suite) => own(suite.replace('/updates', '-security')))
    const components = words(source, 'components').filter((word) => word === 'main' || word === 'universe')
    const on = !/^no|^false/i.test(source.get('enabled') ?? 'yes') && words(source, 'types').includes('deb')
    if (!on || uris.length === 0 || suites.length === 0 || components.length === 0) continue
    const narrowed = { types: 'deb', uris, suites, components, targets: 'Packages' }
    kept.push(new Map([...source, ...Object.entries(narrowed).map(([k, v]) => [k, [v].flat().join(' ')] as const)]))
  }
  return kept
}

/** `sources` and, from the archive that has the release itself, the suites `extra`. */
function withSuites(sources: AptSource[], release: Release, extra: string[]): AptSource[] {
  const main = sources.find((source) => source.get('suites')!.split(' ').includes(release.codename))
  return main ? [...sources, new Map([...main, ['suites', extra.join(' ')]])] : sources
}

export function formatSources(sources: AptSource[]): string {
  return sources.map((source) => Array.from(source, ([name, value]) => `${name}: ${value}\n`).join('')).join('\n')
}

function run(command: string, args: string[], cwd: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => (out += chunk))
    child.stderr.on('data', (chunk) => (err += chunk))
    child.on('error', (cause) => fail(new FileError(`${command} is not at hand: ${cause.message}`, { cause })))
    child.on('close', (code) => {
      if (code === 0) return done(out)
      const why = err.trim().split('\n').slice(-3).join(' ') || `exit code ${code}`
      fail(new FileError(`${command} ${args.find((arg) => /^[a-z]+$/.test(arg)) ?? ''} failed: ${why}`))
    })
  })
}
