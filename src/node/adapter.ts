// Which adapter a program runs on in Node.

import { isMainThread } from 'node:worker_threads'
import { AdapterError, UnknownAdapterError } from '../errors.ts'
import { isSoftware } from '../gpu/software.ts'
import {
  type Driver,
  type Found,
  hasLoader,
  importDawn,
  loadLoader,
  names,
  request,
  systemDrivers,
} from './adapterVulkan.ts'
import { cacheFolder, offlineByEnvironment } from './cache.ts'
import { calm } from './calm.ts'
import { cachedLavapipe, fetchLavapipe, whyNotFetchable } from './lavapipe.ts'
import { openSwiftshader } from './swiftshader.ts'

/** What `openAdapter` may be asked. */
export interface AdapterOptions {
  /** `auto`, a kind, or a part of the name of one of the system's adapters. Default `auto`. */
  adapter?: 'auto' | AdapterKind | (string & {})
  /** Take lavapipe into the cache if the machine has nothing better than SwiftShader. Default false. */
  fetchLavapipe?: boolean
  /** Forbid downloads. WEBGPU_DISTILL_OFFLINE=1 does the same. */
  offline?: boolean
  /** Gets the lines meant for the user: which adapter runs, what is fetched, what failed. */
  log?: (line: string) => void
}

/** The adapters that can be asked for by kind. */
export type AdapterKind = 'hardware' | 'lavapipe' | 'swiftshader'

/** An adapter, with what a user is told of it. */
export interface OpenAdapter {
  gpu: GPU
  adapter: GPUAdapter
  /** The adapter's own name and its driver's version. */
  name: string
  /** True if the processor does the work. */
  software: boolean
  /** `software` is a software adapter of the system that is neither lavapipe nor SwiftShader. */
  kind: AdapterKind | 'software'
  origin: 'system' | 'cache' | 'package'
  /** How to wait for promises of this adapter's device. */
  calm: typeof calm
}

/** The words that `adapter` and `--adapter` take besides names. */
const adapterWords = ['auto', 'hardware', 'lavapipe', 'swiftshader']

type Log = (line: string) => void

/**
 * Opens an adapter. `auto` takes the first there is of: a hardware adapter, a software adapter of the system, lavapipe
 * in the cache (fetched there first if that is allowed), SwiftShader. Says once, through `log`, which one it is.
 * @throws AdapterError if there is none, the one asked for is not there, or the package `webgpu` is absent.
 */
export async function openAdapter(options: AdapterOptions = {}): Promise<OpenAdapter> {
  const log = options.log ?? (() => {})
  await importDawn()
  const opened = await choose(options, log)
  log(`adapter: ${describe(opened)}`)
  return opened
}

const origins = { system: 'installed on the system', cache: 'from the cache', package: 'from @sparticuz/chromium' }

/** One line that tells a user what an adapter is. */
function describe(adapter: Pick<OpenAdapter, 'name' | 'software' | 'origin'>): string {
  return adapter.software ? `${adapter.name}, software, ${origins[adapter.origin]}` : adapter.name
}

async function choose(options: AdapterOptions, log: Log): Promise<OpenAdapter> {
  switch (options.adapter ?? 'auto') {
    case 'auto':
      return auto(options, log)
    case 'hardware': {
      const found = await openSystem()
      if (found && !found.software) return found
      const instead = found ? ` (only ${found.name})` : ''
      throw new AdapterError(`no hardware adapter here${instead}: npx webgpu-distill doctor tells what is missing`)
    }
    case 'lavapipe': {
      // Not by asking for a fallback adapter: to Dawn that is SwiftShader alone.
      const found = (await openNamed('llvmpipe')) ?? (await openLavapipe(options, log))
      if (found) return found
      throw new AdapterError(
        'lavapipe is neither installed nor in the cache: sudo apt-get install mesa-vulkan-drivers libvulkan1 ' +
          '(on Debian 12 with -t bookworm-backports), ' +
          'or run a program of webgpu-distill without --offline',
      )
    }
    case 'swiftshader': {
      const found = await openDriver(await openSwiftshader())
      if (found) return found
      throw new AdapterError('no SwiftShader here; on Linux x64: npm install --save-dev @sparticuz/chromium')
    }
    default:
      return byName(options.adapter!)
  }
}

async function auto(options: AdapterOptions, log: Log): Promise<OpenAdapter> {
  const system = await openSystem()
  if (system) return system
  const lavapipe = await openLavapipe(options, log).catch((error: Error) => {
    log(`lavapipe cannot be had, SwiftShader serves instead: ${error.message.split('\n')[0]}`)
    return undefined
  })
  const found = lavapipe ?? (await openDriver(await openSwiftshader()))
  if (found) return found
  throw new AdapterError(
    'no adapter here: npx webgpu-distill doctor tells what is missing and the command that mends it',
  )
}

async function byName(wanted: string): Promise<OpenAdapter> {
  const found = wanted && (await openNamed(wanted))
  if (found) return found
  const more = (await systemNames()).map((each) => `, '${each}'`).join('')
  throw new UnknownAdapterError(`unknown adapter '${wanted}'; allowed: ${adapterWords.join(', ')}${more}`)
}

async function openNamed(part: string): Promise<OpenAdapter | undefined> {
  const name = (await systemNames()).find((each) => each.toLowerCase().includes(part.toLowerCase()))
  const found = name && (await request(undefined, { name }))
  return found ? identify(found, 'system') : undefined
}

async function systemNames(): Promise<string[]> {
  return (await prepareSystem()) ? names(undefined) : []
}

/** True if the system's own drivers can be asked. Where they lack a Vulkan loader one of ours serves. */
export async function prepareSystem(): Promise<boolean> {
  if (process.platform !== 'linux' || hasLoader()) return true
  if (systemDrivers().length === 0) return false
  const driver = cachedLavapipe() ?? (await openSwiftshader())
  if (driver) loadLoader(driver)
  return hasLoader()
}

/** What the system's own drivers give: hardware before software. */
async function openSystem(): Promise<OpenAdapter | undefined> {
  if (!(await prepareSystem())) return undefined
  const found = await request(undefined, { powerPreference: 'high-performance' })
  return found && identify(found, 'system')
}

async function openLavapipe(options: AdapterOptions, log: Log): Promise<OpenAdapter | undefined> {
  return openDriver(cachedLavapipe() ?? (await fetchIfAllowed(options, log)))
}

/** Fetches lavapipe if the options, the environment and the machine allow it, after a line that says so. */
export async function fetchIfAllowed(options: AdapterOptions, log: Log): Promise<Driver | undefined> {
  if (!options.fetchLavapipe || options.offline || offlineByEnvironment() || whyNotFetchable()) return undefined
  log(
    `no GPU driver here: fetching lavapipe (software, 4 to 10 times SwiftShader) into ${cacheFolder()}, once, without root`,
  )
  return fetchLavapipe()
}

/** Opens the one adapter of a driver of ours. */
export async function openDriver(
  driver: Driver | undefined,
  heard?: (text: string) => void,
): Promise<OpenAdapter | undefined> {
  if (!driver) return undefined
  let said = ''
  const found = await request(driver, { heard: heard ?? ((text) => (said += text)) })
  if (found) return identify(found, driver.origin)
  // The Vulkan loader reads the environment of the process, and a worker has but a copy of it.
  const where = isMainThread ? '' : ' in a worker thread; make the worker with `env: SHARE_ENV`'
  const why = where || said.split('\n')[0].replace(/^Warning/, '')
  throw new AdapterError(`${driver.kind} is there and gives no adapter${why}`)
}

/** Puts a name and a kind to what Dawn found. */
export function identify({ gpu, adapter, name }: Found, origin: OpenAdapter['origin']): OpenAdapter {
  const { description } = adapter.info
  const known = `${name} ${description}`
  const mesa = /Mesa (\d+\.\d+\.\d+)/.exec(description)?.[1]
  const software = isSoftware(adapter.info)
  const make = /llvmpipe|lavapipe/i.test(known) ? 'lavapipe' : /swiftshader/i.test(known) ? 'swiftshader' : 'software'
  const driver = mesa ? `Mesa ${mesa}` : description
  const kind = software ? make : 'hardware'
  return { gpu, adapter, name: driver && driver !== name ? `${name}, ${driver}` : name, software, kind, origin, calm }
}
