// What a person who asks "what have I got, and what is missing?" wants to read.

import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import {
  type AdapterOptions,
  fetchIfAllowed,
  identify,
  type OpenAdapter,
  openDriver,
  prepareSystem,
} from './adapter.ts'
import { type Driver, hasLoader, importDawn, names, request, systemDrivers } from './adapterVulkan.ts'
import { cacheFolder, offlineByEnvironment } from './cache.ts'
import { cachedLavapipe, whyNotFetchable } from './lavapipe.ts'
import { openSwiftshader } from './swiftshader.ts'

/** An adapter that could be opened, with what it says of itself. */
export interface ListedAdapter extends OpenAdapter {
  vendor: string
  architecture: string
  /** The driver's own description, its version included. */
  driver: string
  subgroups: { min: number; max: number } | null
  features: string[]
  limits: Record<string, number>
}

/** Something that is not there, and the command that brings it. */
export interface Missing {
  what: string
  command: string
}

export interface AdapterReport {
  /** Best first; the first is the one `auto` takes. */
  adapters: ListedAdapter[]
  missing: Missing[]
  /** What drivers and Dawn wrote while they were asked: why one of them is not in the list is often there. */
  notes: string[]
}

/** Opens every adapter there is, and says what is missing and which command mends it. Fetches as `openAdapter` does. */
export async function listAdapters(options: AdapterOptions = {}): Promise<AdapterReport> {
  const log = options.log ?? (() => {})
  const notes = new Set<string>()
  const heard = (text: string) => {
    for (const note of plainNotes(text)) notes.add(note)
  }
  await importDawn()
  const opened = await openSystemAdapters(heard)
  const attempt = async (find: () => Promise<Driver | undefined>) => {
    try {
      return await openDriver(await find(), heard)
    } catch (error) {
      notes.add((error as Error).message.split('\n')[0])
      return undefined
    }
  }
  const enough = opened.length > 0
  const lavapipe = await attempt(async () => cachedLavapipe() ?? (enough ? undefined : fetchIfAllowed(options, log)))
  const swiftshader = await attempt(() => openSwiftshader())
  const all = [...opened, lavapipe, swiftshader].filter((adapter) => adapter !== undefined)
  const offline = options.offline || offlineByEnvironment()
  return { adapters: all.map(detail), missing: missing(all, Boolean(offline)), notes: [...notes] }
}

async function openSystemAdapters(heard: (text: string) => void): Promise<OpenAdapter[]> {
  if (!(await prepareSystem())) return []
  const opened: OpenAdapter[] = []
  for (const name of await names(undefined, heard)) {
    const found = await request(undefined, { name, heard }).catch(() => undefined)
    if (found) opened.push(identify(found, 'system'))
  }
  return opened.sort((a, b) => Number(a.software) - Number(b.software))
}

function detail(opened: OpenAdapter): ListedAdapter {
  const { info, features, limits } = opened.adapter
  const { vendor, architecture, subgroupMinSize: min, subgroupMaxSize: max } = info
  const values: Record<string, number> = {}
  // Limits are getters of the prototype.
  for (const key in limits) {
    const value = limits[key as keyof GPUSupportedLimits]
    if (typeof value === 'number') values[key] = value
  }
  return {
    ...opened,
    vendor,
    architecture,
    driver: info.description,
    subgroups: features.has('subgroups') ? { min, max } : null,
    features: [...features].sort(),
    limits: values,
  }
}

/** The sentences in Dawn's noise: without the limits it clamps, which mean nothing to a user, and its source lines. */
export function plainNotes(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^Warning: /, '').trim())
    .filter((line) => line && !/artificially reduced|^at .*\(.*:\d+\)$|^- While /.test(line))
}

function missing(adapters: OpenAdapter[], offline: boolean): Missing[] {
  const has = (kind: OpenAdapter['kind']) => adapters.some((adapter) => adapter.kind === kind)
  const list: Missing[] = has('hardware') ? [] : missingHardware()
  if (!has('hardware') && !has('lavapipe')) list.push(missingLavapipe(offline))
  if (!has('swiftshader') && process.platform === 'linux' && process.arch === 'x64') {
    list.push({ what: 'SwiftShader (the tests use it)', command: 'npm install --save-dev @sparticuz/chromium' })
  }
  return list
}

function missingLavapipe(offline: boolean): Missing {
  const what = 'lavapipe, the fast software adapter'
  if (process.platform !== 'linux') return { what, command: 'none: it is made for Linux' }
  if (whyNotFetchable()) return { what, command: "your package manager's Mesa Vulkan drivers and Vulkan loader" }
  if (offline) return { what: `${what} (not in ${cacheFolder()})`, command: 'npx webgpu-distill doctor, while online' }
  return {
    what,
    command: 'sudo apt-get install mesa-vulkan-drivers libvulkan1 (on Debian 12 with -t bookworm-backports)',
  }
}

// A machine without a GPU lacks nothing; one with a GPU that cannot be used gets the reason, as far as it can be seen.
function missingHardware(): Missing[] {
  if (process.platform === 'darwin') return [{ what: 'a Metal GPU', command: 'none: macOS brings its driver' }]
  if (process.platform === 'win32') return [{ what: 'a Direct3D 12 driver', command: "your GPU maker's installer" }]
  const nvidia = existsSync('/proc/driver/nvidia/version')
  const nodes = existsSync('/dev/dri') ? readdirSync('/dev/dri').filter((name) => name.startsWith('renderD')) : []
  if (!nvidia && nodes.length === 0) return []
  const list: Missing[] = []
  if (!hasLoader()) list.push({ what: 'the Vulkan loader', command: 'sudo apt-get install libvulkan1' })
  const closed = nodes.find((name) => !writable(`/dev/dri/${name}`))
  if (closed) {
    list.push({ what: `the right to use /dev/dri/${closed}`, command: 'sudo usermod --append --groups render $USER' })
  }
  const drivers = systemDrivers()
  if (nvidia && !drivers.some((path) => /nvidia/i.test(path))) {
    const command = 'sudo apt-get install nvidia-vulkan-icd (Debian) or libnvidia-gl-VERSION (Ubuntu)'
    list.push({ what: "NVIDIA's Vulkan driver", command })
  } else if (nvidia && !process.env.DISPLAY) {
    list.push({
      what: "a display, which some of NVIDIA's Vulkan drivers want even over SSH",
      command: 'export DISPLAY=:0',
    })
  }
  if (!nvidia && drivers.length === 0) {
    list.push({ what: "the GPU's Vulkan driver", command: 'sudo apt-get install mesa-vulkan-drivers' })
  }
  return list
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
