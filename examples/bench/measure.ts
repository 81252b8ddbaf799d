// A run of the kernel bench in a page, and what to tell a person when it ends otherwise.

import { runKernels } from '../../src/bench/kernels.ts'
import type { OwnKernel } from '../../src/bench/own.ts'
import { type BenchResults, SCHEMA } from '../../src/bench/results.ts'
import { AdapterError, DeviceLostError, DistillError, init, OutOfMemoryError } from '../../src/browser.ts'
import type { Case } from '../../src/cases/choose.ts'

declare const __VERSION__: string

export interface Run {
  cases: readonly Case[]
  /** What was asked for, in words. */
  asked: string
  rounds: number
  own?: OwnKernel
  signal: AbortSignal
  log: (line: string, share: number) => void
}

/** On a device of its own, which is given back whatever happens. */
export async function measure({ cases, asked, rounds, own, signal, log }: Run): Promise<BenchResults> {
  const engine = await init()
  try {
    const { adapter, software, features, subgroupSize } = engine.info
    // Without timestamps a measurement has to outlast the rounding of the browser's clock.
    const seconds = features.includes('timestamp-query') ? 0.01 : 0.03
    const { peaks, results } = await runKernels(engine, cases, { rounds, seconds, own, signal, log })
    return {
      ...{ schemaVersion: SCHEMA, version: __VERSION__, commit: null, node: null, webgpu: null },
      ...{ userAgent: navigator.userAgent, date: new Date().toISOString(), command: `the bench page: ${asked}` },
      ...{ adapter, software, features, subgroupSize, rounds },
      ...{ peaks, kernels: results, steps: [], profiles: [] },
    }
  } finally {
    engine.destroy()
  }
}

/** The adapter's name, once there is one. Throws AdapterError. */
export async function adapterName(): Promise<string> {
  const engine = await init()
  const { adapter, software } = engine.info
  engine.destroy()
  return software ? `${adapter} (software: slow)` : adapter
}

/** Plain sentences: what happened while `at` ran, and what to do. */
export function explain(error: unknown, at: string): string {
  const text = sentences(error, at)
  return /^\S+\.wgsl/.test(text) ? text : text[0].toUpperCase() + text.slice(1)
}

function sentences(error: unknown, at: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const again = 'Close other tabs and programs that use the GPU and run again'
  if (error instanceof AdapterError) {
    return 'gpu' in navigator ? `${message} After a crash of the GPU, restarting the browser brings it back.` : message
  }
  if (error instanceof DeviceLostError)
    return `The GPU was taken away while it was at ${at}. ${again}; with Quick, if that was not it. (${message})`
  if (error instanceof OutOfMemoryError) return `There was too little GPU memory for ${at}. ${again}. (${message})`
  if (error instanceof DistillError && error.code === 'aborted') return 'Cancelled. Nothing was kept.'
  return message.replace(/^--(kernel )?/, '')
}
