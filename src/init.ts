// From an adapter or a device to an engine; shared by the Node and browser entries.
import { Engine } from './engine.ts'
import { requestDevice } from './gpu/device.ts'
import { type Choices, Gpu } from './gpu/gpu.ts'
import { isSoftware } from './gpu/software.ts'
import { setChoices } from './ops/choices.ts'

export interface EngineOptions {
  /** Kernels by pass and shape in place of the defaults, as `tune` found them. */
  choices?: Choices
  /** false: kernels as on an adapter without subgroups, whose feature is not asked for. Default true. */
  subgroups?: boolean
}

export interface OpenedAdapter {
  adapter: GPUAdapter
  name: string
  /** How to wait for this platform's promises; see Gpu.calm. */
  calm?: Gpu['calm']
}

type InfoWithSubgroups = GPUAdapterInfo & { subgroupMinSize?: number; subgroupMaxSize?: number }

/** What an adapter calls itself; empty where it keeps that to itself. */
export function ownName(info: GPUAdapterInfo | undefined): string {
  return info?.description || [info?.vendor, info?.architecture].filter(Boolean).join(' ')
}

/** Lanes of a subgroup, where the device has subgroups of one size; else 0. */
function subgroupSize(device: GPUDevice, info: InfoWithSubgroups | undefined): number {
  if (!device.features.has('subgroups' as GPUFeatureName)) return 0
  const { subgroupMinSize = 0, subgroupMaxSize = -1 } = info ?? {}
  return subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 0
}

/**
 * An engine over a device the caller owns, or over a fresh device of an adapter. Throws InputError for choices that
 * this adapter can't follow.
 */
export async function engineFrom(
  device: GPUDevice | null,
  opened?: OpenedAdapter,
  { choices = {}, subgroups = true }: EngineOptions = {},
): Promise<Engine> {
  const own = device === null
  const made = device ?? (await requestDevice(opened!.adapter, subgroups))
  // Some browsers leave `adapterInfo` undefined.
  const info = made.adapterInfo as InfoWithSubgroups | undefined
  const facts = {
    adapter: opened?.name ?? (ownName(info) || 'a device handed in'),
    software: isSoftware(info ?? opened?.adapter.info),
    features: [...made.features].sort(),
    driver: info?.description ?? '',
    subgroupSize: subgroups ? subgroupSize(made, info ?? opened?.adapter.info) : 0,
  }
  const gpu = new Gpu(made, facts, own)
  if (opened?.calm) gpu.calm = opened.calm
  try {
    setChoices(gpu, choices)
  } catch (error) {
    gpu.destroy()
    throw error
  }
  return new Engine(gpu)
}
