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

const CHAINS = [8, 12, 16, 32]
const MiB = 2 ** 20

/** Invocations of a multiply-add: few on a processor, as many as fill a large GPU, and what a small one can take. */
const SOFTWARE = 2 ** 12
const [SMALLEST, LARGE, LARGEST] = [2 ** 14, 2 ** 18, 2 ** 20]

function multiplyAdds(engine: Engine, invocations: number, chains: number): PeakWork {
  const rounds = 256
  const y = engine.zeros([invocations])
  const params = { rounds, scale: 0.999 }
  return {
    name: `fma ${chains} chains`,
    amount: 2 * invocations * rounds * 4 * chains,
    kind: 'fma',
    record: () => fma_.main({ y }, params, { threads: [invocations] }, { header: { CHAINS: chains } }),
  }
}

/**
 * How many invocations a multiply-add has on this adapter. A phone's GPU that is kept busy for seconds by one dispatch
 * is taken away from the page, so the number grows until a dispatch takes some milliseconds.
 */
export async function invocationsFor(engine: Engine, seconds: (work: PeakWork) => Promise<number>): Promise<number> {
  // On a processor a dispatch also has to outlast the waking of threads, which the slowest of them do unasked.
  const [first, enough] = engine.gpu.info.software ? [SOFTWARE, 0.01] : [SMALLEST, 0.004]
  let invocations = first
  while (invocations < LARGEST && (await seconds(multiplyAdds(engine, invocations, CHAINS[0]))) < enough)
    invocations *= 4
  return Math.min(invocations, LARGEST)
}

/** The committed set: register-only multiply-adds in 8, 12, 16 and 32 chains, copies within caches and out of them. */
export function peaks(engine: Engine, invocations: number): PeakWork[] {
  const { gpu } = engine
  const fma = CHAINS.map((chains) => multiplyAdds(engine, invocations, chains))
  const largest = gpu.info.software || invocations >= LARGE ? 64 : 16
  const copies = [0.25, 2, largest].map((size): PeakWork => {
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
