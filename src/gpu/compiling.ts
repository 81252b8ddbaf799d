// Pipelines that are new to the device: they are compiled, and whoever listens hears how far that is. At a cold start it
// is most of the time until the first step has ended: drivers of GPUs compile where a pipeline is made, software adapters
// where it first runs.
import { DeviceLostError } from '../errors.ts'
import type { Faults } from './faults.ts'
import type { Pipeline } from './pipelines.ts'

export interface Compiling {
  /** What was captured, by its label. */
  step: string
  /** Pipelines are made, all at the same time; or they run for the first time, one after the other. */
  phase: 'compiling' | 'first run'
  /** Pipelines, of those of the step that are new. */
  done: number
  total: number
}

/** A `Gpu`, as far as somebody listens. */
interface Listener {
  onCompiling: ((compiling: Compiling) => void) | null
}

/** What compiling takes of a `Gpu`. */
interface Compiler extends Listener {
  readonly device: GPUDevice
  readonly info: { readonly software: boolean }
  readonly faults: Faults
  submit(commands: GPUCommandBuffer, tape: null): void
  orLost<T>(asked: Promise<T>): Promise<T | undefined>
}

/** What it takes of a recorded dispatch. */
interface Dispatch {
  pipeline: Pipeline
  bindGroup: GPUBindGroup | null
}

/** Counts pipelines that are done, for whoever listens; says at once how many there are. */
export function tally({ onCompiling }: Listener, about: Pick<Compiling, 'step' | 'phase' | 'total'>): () => void {
  if (!onCompiling || about.total === 0) return () => {}
  let done = 0
  const tell = () => onCompiling({ ...about, done })
  tell()
  return () => {
    done++
    tell()
  }
}

/**
 * Compiles the pipelines of a step's dispatches that are new to the device. Resolves also where one is not compiled: that
 * is kept as a fault, and thrown at the next wait.
 */
export async function compileAll(gpu: Compiler, step: string, dispatches: readonly Dispatch[]): Promise<void> {
  const pipelines = new Set(dispatches.map(({ pipeline }) => pipeline))
  const missing = [...pipelines].filter((pipeline) => !pipeline.isCompiled)
  const made = tally(gpu, { step, phase: 'compiling', total: missing.length })
  await Promise.all(missing.map((pipeline) => pipeline.compile().then(made)))
  if (!gpu.info.software || isOver(gpu)) return
  await runWithNothing(gpu, step, dispatches)
  // Somebody else may have begun to run them, and not have ended.
  await idle(gpu)
}

/** Of an engine that was destroyed meanwhile the device, which may be others', is asked nothing. */
const isOver = ({ faults }: Compiler): boolean => faults.closing || faults.first instanceof DeviceLostError

/** A device that refuses to answer is lost, which the next wait tells. */
const idle = async (gpu: Compiler): Promise<void> => {
  if (!isOver(gpu)) await gpu.orLost(gpu.device.queue.onSubmittedWorkDone().catch(() => {}))
}

const INDIRECT = 0x100

/**
 * Every new pipeline once, with no workgroups: what makes a software adapter compile. Each process takes them in an order
 * of its own: those that start together find in the driver's cache what another has compiled meanwhile.
 */
async function runWithNothing(gpu: Compiler, step: string, dispatches: readonly Dispatch[]): Promise<void> {
  const news = new Map(dispatches.filter(({ pipeline }) => !pipeline.ran).map((d) => [d.pipeline, d.bindGroup]))
  if (news.size === 0) return
  const { device } = gpu
  const ran = tally(gpu, { step, phase: 'first run', total: news.size })
  // Of the device's memory: of a dispatch that says so itself Dawn thinks that it is a mistake, and prints that.
  const none = device.createBuffer({ label: 'no workgroups', size: 12, usage: INDIRECT })
  try {
    for (const [pipeline, bindGroup] of shuffled([...news])) {
      if (isOver(gpu)) return
      if (pipeline.isCompiled && !pipeline.ran) {
        const encoder = device.createCommandEncoder({ label: step })
        const pass = encoder.beginComputePass({ label: step })
        pass.setPipeline(pipeline.get())
        pass.setBindGroup(0, bindGroup)
        pass.dispatchWorkgroupsIndirect(none, 0)
        pass.end()
        gpu.faults.running = step
        gpu.submit(encoder.finish({ label: step }), null)
        await idle(gpu)
      }
      ran()
    }
  } finally {
    none.destroy()
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  const places = new Map(items.map((item) => [item, Math.random()]))
  return [...items].sort((a, b) => places.get(a)! - places.get(b)!)
}
