// How far the device is with pipelines that are new to it. At a cold start this is most of the time until the first step
// has ended: drivers of GPUs compile where a pipeline is made, software adapters where it first runs.

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
