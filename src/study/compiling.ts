// What is told while a cell waits for pipelines that are new to the device: an event now and then, a line in a log, and
// words for the bar and for `--watch`.
import type { Engine } from '../engine.ts'
import type { Compiling } from '../gpu/compiling.ts'
import type { Events } from './events.ts'
import type { Progress } from './progress.ts'

export interface Listening {
  engine: Engine
  events: Events
  progress: Progress
}

/**
 * `show` gets what stands in place of the speed, undefined once the device has caught up. Returns what ends it. `name`
 * is what a log calls the cell `id`.
 */
export function tellCompiling(
  { engine, events, progress }: Listening,
  { id, name }: { id: string; name: string },
  show: (text: string | undefined) => void,
): () => void {
  let logged = false
  let told = Number.NEGATIVE_INFINITY
  const listen = (compiling: Compiling) => {
    if (engine.onCompiling !== listen) return
    const { step, phase, done, total } = compiling
    const begins = phase === 'compiling' && done === 0
    if (begins && !logged) progress.log(`${name}  compiling ${total} pipeline${total === 1 ? '' : 's'}: ${step}`)
    logged ||= begins
    if (begins || performance.now() - told >= 3000) {
      told = performance.now()
      void events.write('compiling', { id, ...compiling }).catch(() => {})
    }
    show(phase === 'first run' && done === total ? undefined : `${phase} ${done}/${total}`)
  }
  engine.onCompiling = listen
  return () => {
    if (engine.onCompiling === listen) engine.onCompiling = null
  }
}
