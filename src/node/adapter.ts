// Which adapter a program runs on in Node.

import { AdapterError } from '../errors.ts'
import { cacheFolder, offlineByEnvironment } from './adapter-cache.ts'
import { type Driver, hasSystemLoader, importDawn, request } from './adapter-vulkan.ts'
import { cachedLavapipe, fetchLavapipe, whyNotFetchable } from './lavapipe.ts'
import { openSwiftshader } from './swiftshader.ts'

/** What `openAdapter` may be asked. */
export interface AdapterOptions {
  /** `auto`, a kind, or a part of an adapter's name as `doctor` lists it. Default `auto`. */
  adapter?: 'auto' | AdapterKind | (string & {})
  /** Take lavapipe into the cache if the machine has nothing better than SwiftShader. A library never does. */
  fetchLavapipe?: boolean
  /** Forbid downloads. WEBGPU_DISTILL_OFFLINE=1 does the same. */
  offline?: boolean
  /** Gets the lines meant for the user: which adapter runs, what is fetched, what failed. */
  log?: (line: string) => void
}

export type AdapterKind = 'hardware' | 'lavapipe' | 'swiftshader'

/** An adapter, with what a user is told of it. */
export interface OpenAdapter {
  gpu: GPU
  adapter: GPUAdapter
  /** The adapter's own name with its driver's version. */
  name: string
  /** True if the processor does the work. */
  software: boolean
  /** A software adapter of no known make (the system's) is `software`. */
  kind: AdapterKind | 'software'
  origin: 'system' | 'cache' | 'package'
}

export const adapterNames = ['auto', 'hardware', 'lavapipe', 'swiftshader']

/** Finds an adapter: hardware, then software, best first. */
export async function openAdapter(options: AdapterOptions = {}): Promise<OpenAdapter> {
  const log = options.log ?? (() => {})
  await importDawn()
  const opened = await choose(options, log)
  log(`adapter: ${opened.name}${opened.software ? `, software, ${origins[opened.origin]}` : ''}`)
  return opened
}

const origins = { system: 'from the system', cache: 'from the cache', package: 'from @sparticuz/chromium' }

async function choose(options: AdapterOptions, log: (line: string) => void): Promise<OpenAdapter> {
  const wanted = options.adapter ?? 'auto'
  if (wanted === 'auto') {
    const found =
      (await openSystem()) ?? (await openLavapipe(options, log)) ?? (await openDriver(await openSwiftshader()))
    if (found) return found
    throw new AdapterError(`no adapter found: ${remedy()}`)
  }
  if (wanted === 'hardware') {
    const found = await openSystem()
    if (found && !found.software) return found
    throw new AdapterError(`no hardware adapter found${found ? ` (only ${found.name})` : ''}: ${remedy()}`)
  }
  if (wanted === 'lavapipe') {
    const system = await openSystem({ forceFallbackAdapter: true })
    const found = system?.kind === 'lavapipe' ? system : await openLavapipe(options, log)
    if (found) return found
    throw new AdapterError(
      'lavapipe is neither installed nor in the cache: npx webgpu-distill doctor, or apt-get install mesa-vulkan-drivers',
    )
  }
  if (wanted === 'swiftshader') {
    const found = await openDriver(await openSwiftshader())
    if (found) return found
    throw new AdapterError(
      'SwiftShader comes from the package @sparticuz/chromium (Linux, x64): npm install --save-dev @sparticuz/chromium',
    )
  }
  throw new AdapterError(`unknown adapter '${wanted}'; allowed: ${adapterNames.join(', ')}`)
}

function remedy(): string {
  return process.platform === 'linux'
    ? 'sudo apt-get install mesa-vulkan-drivers libvulkan1'
    : 'update the graphics driver'
}

/** What the system's own drivers give: hardware before software. */
async function openSystem(options: GPURequestAdapterOptions = {}): Promise<OpenAdapter | undefined> {
  if (process.platform === 'linux' && !hasSystemLoader()) return undefined
  const found = await request(undefined, { powerPreference: 'high-performance', ...options })
  return found ? describe(found, 'system') : undefined
}

async function openLavapipe(options: AdapterOptions, log: (line: string) => void): Promise<OpenAdapter | undefined> {
  const cached = cachedLavapipe()
  if (cached) return openDriver(cached)
  if (!options.fetchLavapipe || options.offline || offlineByEnvironment() || whyNotFetchable()) return undefined
  log(
    `no adapter but SwiftShader here: fetching lavapipe, 4 to 10 times faster, with apt-get into ${cacheFolder()} (once, no root)`,
  )
  try {
    return await openDriver(await fetchLavapipe())
  } catch (error) {
    log(`lavapipe could not be fetched, SwiftShader serves: ${(error as Error).message}`)
    return undefined
  }
}

async function openDriver(driver: Driver | undefined): Promise<OpenAdapter | undefined> {
  const found = driver && (await request(driver))
  return found ? describe(found, driver.origin) : undefined
}

function describe({ gpu, adapter }: { gpu: GPU; adapter: GPUAdapter }, origin: OpenAdapter['origin']): OpenAdapter {
  const { vendor, device, description, architecture } = adapter.info
  const known = `${vendor} ${device} ${description} ${architecture}`
  const lavapipe = /llvmpipe|lavapipe/i.test(known)
  const swiftshader = /swiftshader/i.test(known)
  const software = lavapipe || swiftshader || adapter.info.isFallbackAdapter
  const kind = lavapipe ? 'lavapipe' : swiftshader ? 'swiftshader' : software ? 'software' : 'hardware'
  return { gpu, adapter, name: description || device || vendor, software, kind, origin }
}
