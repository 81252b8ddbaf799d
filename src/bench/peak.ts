// What an adapter can do at best, measured in the same run as what is compared with it.

import fmaSource from '../../shaders/peak.wgsl'
import copySource from '../../shaders/peakCopy.wgsl'
import type { Engine } from '../engine.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty } from '../tensor.ts'

const fma_ = kernels<'main'>(fmaSource)
const copy_ = kernels<'main'>(copySource)

/** Work with a known amount to do. */
export interface PeakWork {
  name: string
  /** Floating-point operations, or bytes read and written. */
  amount: number
  kind: 'fma' | 'copy'
  record: () => void
}

const CHAINS = [2, 3, 4, 8]
const MiB = 2 ** 20

/** The committed set: register-only multiply-adds in 8, 12, 16 and 32 chains, copies within caches and out of them. */
export function peaks(engine: Engine): PeakWork[] {
  const { gpu } = engine
  const invocations = gpu.info.software ? 2 ** 12 : 2 ** 20
  const rounds = gpu.info.software ? 32 : 64
  const y = engine.zeros([invocations])
  const fma = CHAINS.map((chains): PeakWork => {
    const params = { rounds, scale: 0.999, shift: 0.001 }
    return {
      name: `fma ${4 * chains} chains`,
      amount: 2 * invocations * rounds * 16 * 4 * chains,
      kind: 'fma',
      record: () => fma_.main({ y }, params, { threads: [invocations] }, { header: { CHAINS: chains } }),
    }
  })
  const copies = [0.25, 2, 64].map((size): PeakWork => {
    const n = (size * MiB) / 16
    const x = engine.zeros([4 * n])
    return {
      name: `copy ${size} MiB`,
      amount: 2 * size * MiB,
      kind: 'copy',
      record: () => copy_.main({ x, y: empty(gpu, [4 * n]) }, { n }, { threads: [n] }),
    }
  })
  return [...fma, ...copies]
}
