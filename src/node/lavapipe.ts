// Mesa's software Vulkan driver, taken from the distribution's own packages into the cache without root. It trains 4 to
// 10 times faster than SwiftShader.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { AdapterError } from '../errors.ts'
import type { Driver } from './adapterVulkan.ts'
import { fetchPackages, readRelease } from './apt.ts'
import { cacheFolder, install } from './cache.ts'
import { loadOrder } from './sharedLibraries.ts'

const packages = ['mesa-vulkan-drivers', 'libvulkan1']
const loader = 'libvulkan.so.1'
const library = 'libvulkan_lvp.so'

interface Manifest {
  /** Library names, every one after those it needs. */
  libraries: string[]
  release: string
}

/** Where the driver of this processor and cache lies, or would lie. */
const lavapipeFolder = () => join(cacheFolder(), `lavapipe-${process.arch}`)

/** The driver in the cache; undefined if there is none, or if the cache was moved and its paths are stale. */
export function cachedLavapipe(): Driver | undefined {
  const folder = lavapipeFolder()
  const icd = join(folder, 'icd.json')
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest
    const path = JSON.parse(readFileSync(icd, 'utf8')).ICD.library_path
    if (path !== join(folder, 'lib', library) || !existsSync(path)) return undefined
    const libraries = manifest.libraries.map((name) => join(folder, 'lib', name))
    return { kind: 'lavapipe', origin: 'cache', icd, loader: join(folder, 'lib', loader), libraries }
  } catch {
    return undefined
  }
}

/** Why lavapipe cannot be fetched on this machine, in a few words; undefined if it can be tried. */
export function whyNotFetchable(): string | undefined {
  if (process.platform !== 'linux') return `no packages for ${process.platform}`
  const path = (process.env.PATH ?? '').split(':')
  const absent = ['apt-get', 'dpkg-deb'].find(
    (name) => !path.some((folder) => folder && existsSync(join(folder, name))),
  )
  return absent ? `no ${absent} (not a Debian or Ubuntu)` : undefined
}

/** Fetches lavapipe into the cache. Safe when several processes do it at once; leaves nothing half-made. */
export async function fetchLavapipe(): Promise<Driver> {
  const folder = lavapipeFolder()
  // What lies there and is not usable (a moved cache) would be in the way.
  if (existsSync(folder) && !cachedLavapipe()) rmSync(folder, { recursive: true, force: true })
  await install(folder, (temporary) => build(temporary, folder))
  const driver = cachedLavapipe()
  if (!driver) throw new AdapterError(`lavapipe in ${folder} is incomplete; remove that folder and try again`)
  return driver
}

async function build(temporary: string, folder: string): Promise<void> {
  const release = await readRelease()
  // Debian 12's own Mesa (22.3) is refused by Dawn; later releases and Ubuntu's updates are new enough.
  const suites = release.id === 'debian' && release.codename === 'bookworm' ? ['backports'] : []
  const tree = join(temporary, 'tree')
  await fetchPackages(packages, { into: tree, suites, dependencies: true, log: () => {} })
  const files = sharedLibraries(tree)
  for (const name of [library, loader]) {
    if (!files.has(name)) throw new AdapterError(`${packages.join(' and ')} of ${release.codename} hold no ${name}`)
  }
  const libraries = loadOrder([loader, library], (name) => files.get(name))
  mkdirSync(join(temporary, 'lib'))
  for (const name of libraries) renameSync(files.get(name)!, join(temporary, 'lib', name))
  rmSync(tree, { recursive: true })
  const manifest: Manifest = { libraries: libraries.filter((name) => name !== library), release: release.codename }
  const icd = {
    file_format_version: '1.0.0',
    ICD: { library_path: join(folder, 'lib', library), api_version: '1.3.0' },
  }
  writeFileSync(join(temporary, 'manifest.json'), JSON.stringify(manifest, null, 2))
  writeFileSync(join(temporary, 'icd.json'), JSON.stringify(icd, null, 2))
}

// The C and C++ libraries are the ones this process already runs on; a second copy would clash with them.
const systems = /^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|atomic))\.so/

function sharedLibraries(tree: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || !/\.so(\.|$)/.test(entry.name) || systems.test(entry.name)) continue
    try {
      files.set(entry.name, realpathSync(join(entry.parentPath ?? entry.path, entry.name)))
    } catch {
      // A link to something that is not in these packages.
    }
  }
  return files
}
