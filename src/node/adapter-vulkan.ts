// One Dawn instance on one set of Vulkan drivers. The Vulkan loader reads which drivers to use from the environment when
// an instance is made, so the variables are set around that moment and put back: the next instance may want others.

import { AdapterError } from '../errors.ts'
import { preload } from './adapter-library.ts'
import { quietly } from './quiet.ts'

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

interface Dawn {
  create(flags: string[]): GPU
}

// A collected instance takes Node down with it, so every one made is held for the life of the process.
const held: GPU[] = []

/** The `webgpu` package. */
export async function importDawn(): Promise<Dawn> {
  try {
    return (await import('webgpu')) as unknown as Dawn
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND' && /'webgpu'/.test(message)) {
      throw new AdapterError(
        "WebGPU in Node comes from the package 'webgpu', which is not installed: npm install webgpu",
      )
    }
    throw new AdapterError(`the package 'webgpu' is installed and does not load: ${message.split('\n')[0]}`)
  }
}

let systemLoader: boolean | undefined

/** True if the machine has a Vulkan loader of its own. It is loaded on the way, which Dawn would do anyway. */
export function hasSystemLoader(): boolean {
  systemLoader ??= preload('libvulkan.so.1') === undefined
  return systemLoader
}

/**
 * Makes an instance that sees the given driver alone, or the system's drivers, and asks it for an adapter. `null` when
 * there is none.
 */
export async function request(
  driver?: Driver,
  options: GPURequestAdapterOptions = {},
  name?: string,
): Promise<{ gpu: GPU; adapter: GPUAdapter } | null> {
  const dawn = await importDawn()
  if (driver) loadDriver(driver)
  const flags = process.platform === 'linux' ? ['backend=vulkan'] : []
  if (name !== undefined) flags.push(`adapter=${name}`)
  // Dawn finds the adapters within the call, so nothing else of this program runs while the environment is changed.
  const { gpu, found } = withDrivers(driver?.icd, () =>
    quietly(() => {
      const gpu = dawn.create(flags)
      held.push(gpu)
      return { gpu, found: gpu.requestAdapter(options) }
    }),
  )
  const adapter = await found
  return adapter && { gpu, adapter }
}

function loadDriver(driver: Driver): void {
  const libraries = hasSystemLoader() ? driver.libraries : [driver.loader, ...driver.libraries]
  for (const path of libraries) {
    if (hasSystemLoader() && path === driver.loader) continue
    const reason = preload(path)
    if (reason) throw new AdapterError(`${driver.kind}: ${reason}`)
  }
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
