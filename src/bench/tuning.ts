// `node bench/kernels.js --tune`: what was tried, how long it took, what was chosen, where it is kept.

import type { Case } from '../cases/choose.ts'
import { convShapeOf } from '../cases/convolution.ts'
import type { Engine } from '../engine.ts'
import { storedTuning, storeTuning, type TuningStore } from '../node/tuning.ts'
import { CONV_PASSES } from '../ops/conv2dKey.ts'
import { MISSING } from '../report/format.ts'
import { textTable } from '../report/tableText.ts'
import type { Trial } from '../tune/contest.ts'
import { type TuneShape, tune } from '../tune/tune.ts'
import type { Tuning } from '../tune/tuning.ts'
import { ms, spreadOf } from './text.ts'

/** Tunes, and stores what was found in the cache; tells where. */
export async function tuneCases(
  engine: Engine,
  cases: readonly Case[],
  { rounds, quick }: { rounds?: number; quick: boolean },
  log: (line: string) => void,
  store?: TuningStore,
): Promise<{ tuning: Tuning; path: string }> {
  // A store that can't be read is told before an hour is spent.
  await storedTuning(engine.info, store)
  const onTrial = ({ key, chosen }: Trial, done: number, of: number) => log(`${done}/${of} ${key}: ${chosen}`)
  const how = quick ? { rounds: rounds ?? 5, seconds: 0.01, onTrial } : { rounds, onTrial }
  const tuning = await tune(engine, cases.map(tuneShape), how)
  return { tuning, path: await storeTuning(tuning, store) }
}

/** One pass of a convolution as the bench writes it; a folded one is a forward pass with a bias. */
export function tuneShape({ shape, pass }: Pick<Case, 'shape' | 'pass'>): TuneShape {
  if (pass === 'folded') return { ...convShapeOf(shape), bias: true, passes: ['forward'] }
  return { ...convShapeOf(shape), passes: CONV_PASSES.filter((each) => each === pass) }
}

/** Every kernel of every trial; a star marks the chosen one. */
export function tuningReport({ adapter, subgroupSize, trials }: Tuning, path: string): string {
  const head = ['', 'kernel', 'ms', 'spread', 'n', 'of the default', 'deviation', 'compile ms']
  const blocks = trials.map(({ key, chosen, tried }) => {
    const usual = tried[0].seconds?.median
    const rows = tried.map(({ kernel, right, refused, deviation, compileMs, seconds }) => {
      const compiled = [deviation.toExponential(1), compileMs.toFixed(0)]
      const mark = kernel === chosen ? '*' : ''
      if (refused) return [mark, kernel, 'REFUSED', '', '', '', '', '']
      if (!right || !seconds) return [mark, kernel, 'WRONG', '', '', '', ...compiled]
      const { median, n } = seconds
      const share = usual ? `${((100 * median) / usual).toFixed(0)} %` : MISSING
      return [mark, kernel, ms(median), spreadOf(seconds), String(n), share, ...compiled]
    })
    return { title: key, rows }
  })
  const refusals = trials.flatMap(({ tried }) =>
    tried.flatMap(({ kernel, refused }) => (refused ? [`${kernel}: ${refused}`] : [])),
  )
  const others = trials.filter((trial) => trial.chosen !== trial.default).length
  return `${adapter}, subgroups of ${subgroupSize || 'no known size'}

${textTable({ title: 'Kernels, the default first', caption: '', head, left: [0, 1], blocks })}

${refusals.length ? `This device does not compile:\n${[...new Set(refusals)].join('\n')}\n\n` : ''}${others} of ${trials.length} take another kernel than the default, which stays unless one is faster by 5 %, in the median and
in the shortest time. What takes three times as long as the fastest is measured once. Compile ms: the first call less the
second.
Stored in ${path}: for a study's --choices.
`
}
