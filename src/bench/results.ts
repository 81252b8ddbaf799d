// What a run of the bench found, as it is printed, stored and compared.

import type { Checked } from '../cases/work.ts'
import type { Spread } from '../tune/clock.ts'
import type { Profile } from './profile.ts'
import type { StartSeconds } from './start.ts'

export const SCHEMA = 1

export interface Facts {
  schemaVersion: number
  version: string
  commit: string | null
  /** Versions of Node and of the package webgpu; of a page: null, and its browser. */
  node: string | null
  webgpu: string | null
  userAgent?: string
  date: string
  command: string
  adapter: string
  software: boolean
  features: string[]
  subgroupSize: number
  rounds: number
}

export interface Peak {
  name: string
  kind: 'fma' | 'copy'
  /** GFLOP/s or GB/s, by the median. */
  rate: number
  wall: Spread
  device: Spread | null
}

/** The best of the committed set. */
export interface Peaks {
  gflops: number
  gbs: number
  all: Peak[]
}

export function peaksOf(all: Peak[]): Peaks {
  const best = (kind: Peak['kind']) => Math.max(0, ...all.filter((peak) => peak.kind === kind).map(({ rate }) => rate))
  return { gflops: best('fma'), gbs: best('copy'), all }
}

export interface KernelResult {
  name: string
  op: string
  pass: string
  shape: string
  /** `ours`, or the file of a user's kernel. */
  kernel: string
  flops: number
  bytes: number
  dispatches: number
  /** Calls in one measurement. */
  calls: number
  check: Checked
  /** Seconds of a call; null where the results are wrong: those are not timed. */
  wall: Spread | null
  device: Spread | null
  /** Of the device's time where it tells, else of the wall's. */
  gflops: number | null
  gbs: number | null
  ofPeak: number | null
  ofCopy: number | null
}

export interface StepResult {
  name: string
  about: string
  batch: number
  flops: number
  wall: Spread
  device: Spread | null
  imagesPerSecond: number
  gflops: number
  ofPeak: number
  dispatches: number
  /** Of one steady step. */
  submits: number
  writes: number
  objects: Record<string, number>
  /** All buffers that the step reads or writes. */
  memoryBytes: number
  buffers: number
  /** Milliseconds of JavaScript: choosing the batch, setting the scalars, encoding, submitting. */
  hostMs: Spread
  /** Of this process, with what the driver had in its cache. */
  compileSeconds: number
  firstStepSeconds: number
  /** From the start of a process to the end of its first step; null where it was not asked for. */
  start: StartSeconds | null
  /** Means over the steps at both ends. */
  firstLoss: number
  lastLoss: number
}

export interface BenchResults extends Facts {
  peaks: Peaks
  kernels: KernelResult[]
  steps: StepResult[]
  /** Where the time of a step goes. */
  profiles: { name: string; profile: Profile }[]
}

/** Seconds of the device where it tells, else of the wall. */
export const secondsOf = (result: { wall: Spread | null; device: Spread | null }): Spread | null =>
  result.device ?? result.wall

/** What a call's seconds make of its operations and bytes. */
export function ratesOf({ flops, bytes }: { flops: number; bytes: number }, time: Spread | null, best: Peaks) {
  if (!time) return { gflops: null, gbs: null, ofPeak: null, ofCopy: null }
  const [gflops, gbs] = [flops / time.median / 1e9, bytes / time.median / 1e9]
  return {
    gflops: flops ? gflops : null,
    gbs,
    ofPeak: flops ? gflops / best.gflops : null,
    ofCopy: gbs / best.gbs,
  }
}
