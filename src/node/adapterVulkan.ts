// One Dawn instance on one set of drivers. The Vulkan loader reads which drivers to use from the environment when an
// instance is made, so the variables are set around that moment and put back: the next instance may want others.

import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AdapterError } from '../errors.ts'
import { quietly } from './quiet.ts'
import { preload } from './sharedLibraries.ts'

/** A Vulkan driver that lies in a folder of ours. */
export interface Driver {
  kind: 'lavapipe' | 'swiftshader'
  origin: 'cache' | 'package'
  /** The file that tells the Vulkan loader where the driver is. */
  icd: string
  /** A Vulkan loader, for machines without one. */
  loader: string
  /** What must be loaded before the driver, in this order. */
  libraries: string[]
}

/** What one call of Dawn found. */
export interface Found {
  gpu: GPU
  adapter: GPUAdapter
  /** The adapter's name as its driver spells it; `info` has it only in lower case and without punctuation. */
  name: string
}

interface Dawn {
  create(flags: string[]): GPU
}

/** Timestamps to the nanosecond: Dawn rounds them to 65 us, which protects pages and serves nobody here. */
const EXACT = 'disable-dawn-features=timestamp_quantization'

// A collected instance takes Node down with it, so every one made is held for the life of the process.
const held: GPU[] = []

/** The `webgpu` package. */
export async function importDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu')) as unknown as Dawn
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND' && message.includes("'webgpu'")) {
      throw new AdapterError(
        "in Node, WebGPU comes from the package 'webgpu', which is not installed: npm install webgpu",
      )
    }
    throw new AdapterError(`the package 'webgpu' is installed and does not load: ${message.split('\n')[0]}`)
  }
}

/** True if a Vulkan loader is loaded or can be: the system's, or one of ours from an earlier call. */
export function hasLoader(): boolean {
  return preload('libvulkan.so.1') === undefined
}

/**
 * The files with which drivers tell the Vulkan loader of themselves on this machine, those in VK_DRIVER_FILES first.
 */
export function systemDrivers(env: Record<string, string | undefined> = process.env): string[] {
  const named = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES
  if (named) return named.split(':').filter((path) => existsSync(path))
  const data = env.XDG_DATA_HOME || join(homedir(), '.local/share')
  const parents = ['/etc', '/usr/local/share', '/usr/share', data]
  return parents.flatMap((parent) => {
    const folder = join(parent, 'vulkan/icd.d')
    if (!existsSync(folder)) return []
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    return names.map((name) => join(folder, name))
  })
}

/** How to ask: all as with `requestAdapter`, and the name of one adapter of several. */
export interface Request extends GPURequestAdapterOptions {
  name?: string
  /** Gets what the drivers wrote to the error output. */
  heard?: (text: string) => void
}

/** Asks the given driver alone, or all of the system's, for an adapter. `undefined` when there is none. */
export async function request(
  driver: Driver | undefined,
  { name, heard, ...options }: Request,
): Promise<Found | undefined> {
  const flags = name === undefined ? [] : [`adapter=${name}`]
  const { gpu, promise } = await ask(driver, flags, options, heard)
  const adapter = await promise
  if (!adapter) return undefined
  silenceDevices(adapter, heard)
  const spelt = name ?? (await names(driver)).find((spelling) => dawnSpelling(spelling) === adapter.info.device)
  return { gpu, adapter, name: spelt ?? adapter.info.device }
}

/** The names of all adapters of the given driver, or of the system's. */
export async function names(driver: Driver | undefined, heard?: (text: string) => void): Promise<string[]> {
  // Dawn lists them in the message that comes with a name nobody has.
  const { promise } = await ask(driver, ['adapter=\u0001'], {}, heard)
  const message = await promise.then(
    () => '',
    (error: Error) => error.message,
  )
  return [...message.matchAll(/backend: '[^']*', name: '(.*)'/g)].map((match) => match[1])
}

function dawnSpelling(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

async function ask(
  driver: Driver | undefined,
  flags: string[],
  options: GPURequestAdapterOptions,
  heard?: (text: string) => void,
): Promise<{ gpu: GPU; promise: Promise<GPUAdapter | null> }> {
  const dawn = await importDawn()
  if (driver) loadDriver(driver)
  // On Linux Dawn would also try OpenGL, which hides the Vulkan drivers that compute well.
  const backend = process.platform === 'linux' ? ['backend=vulkan'] : []
  // Dawn finds the adapters within the call, so nothing else of this program runs while the environment is changed.
  return withDrivers(driver?.icd, () =>
    quietly(() => {
      const gpu = dawn.create([...backend, EXACT, ...flags])
      held.push(gpu)
      return { gpu, promise: gpu.requestAdapter(options) }
    }, heard),
  )
}

// Some drivers say their piece only when a device is made.
function silenceDevices(adapter: GPUAdapter, heard?: (text: string) => void): void {
  const requestDevice = adapter.requestDevice
  const value = (descriptor?: GPUDeviceDescriptor) => quietly(() => requestDevice.call(adapter, descriptor), heard)
  Object.defineProperty(adapter, 'requestDevice', { value, configurable: true })
}

function loadDriver(driver: Driver): void {
  loadLoader(driver)
  for (const path of driver.libraries) fail(driver, preload(path))
}

/** Loads the Vulkan loader that came with a driver, unless there is one already. */
export function loadLoader(driver: Driver): void {
  if (!hasLoader()) fail(driver, preload(driver.loader))
}

function fail(driver: Driver, reason: string | undefined): void {
  if (!reason) return
  throw new AdapterError(
    `${driver.kind} cannot be loaded: ${reason} (remove ${dirname(driver.icd)} to have it made anew)`,
  )
}

const variables = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']

function withDrivers<T>(icd: string | undefined, work: () => T): T {
  if (!icd) return work()
  const before = variables.map((name) => process.env[name])
  for (const name of variables) process.env[name] = icd
  try {
    return work()
  } finally {
    variables.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name]
      else process.env[name] = before[i]
    })
  }
}
