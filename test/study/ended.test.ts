// Training that ends once it has converged: when, and that an interruption changes neither that nor a bit.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flat } from '../../src/study/ended.ts'
import type { Stage } from '../../src/study/stage.ts'
import type { Checkpoint, Curve } from '../../src/study/store.ts'
import { AbortedError } from '../../src/train/fit.ts'
import { runAlone } from './running.ts'
import { smallData, smallStages } from './small.ts'

const test = suite('what has ended')
const data = await smallData()

const [plain] = smallStages({ methods: ['dml'], members: 2, epochs: 60, schedule: { name: 'constant', warmup: 0 } })
const optimizer = { ...plain.optimizer, lr: 2e-3 }
const looked: Stage = { ...plain, optimizer, looks: { heldOut: 20, test: 30, outputs: false } }
const ending: Stage = { ...looked, patience: 2 }

const run = (stage: Stage, more: Parameters<typeof runAlone>[2] = {}) => runAlone(stage, data, more)

const digests = ({ outcome }: Awaited<ReturnType<typeof run>>) =>
  Object.values(outcome.nodes).map(({ sha256 }) => sha256)
const nlls = (curve: Curve, name: string) => curve.map(({ looks }) => looks![name].heldOut.nll)

test('flat: none of the last so many is below all before them', () => {
  for (const [values, patience, want] of [
    [[], 1, false],
    [[3], 1, false],
    [[3, 3], 1, true],
    [[3, 2.9], 1, false],
    [[3, 2, 2.5], 1, true],
    [[3, 2, 2.5], 2, false],
    [[3, 2, 2.5, 2], 2, true],
    [[3, 2, 2.5, 1.9, 2], 2, false],
    [[3, Number.NaN], 1, true],
  ] as [number[], number, boolean][]) {
    assert.is(flat(values, patience), want, `${values} at ${patience}`)
  }
})

let whole: Awaited<ReturnType<typeof run>>
let took = 0

test('training ends at the first epoch after which no network had a lower NLL for so many', async () => {
  whole = await run(ending)
  const { curve, nodes } = whole.outcome
  took = curve.length
  assert.ok(took > 3 && took < 60, `${took} epochs of ${nlls(curve, 'member0')}`)
  const names = Object.keys(nodes)
  assert.is(names.length, 2)
  for (let n = 1; n <= took; n++) {
    const all = names.every((name) => flat(nlls(curve.slice(0, n), name), 2))
    assert.is(all, n === took, `epoch ${n}`)
  }
  // At a constant rate that is a training of so many epochs.
  assert.equal(digests(await run({ ...looked, epochs: took })), digests(whole))
})

test('stopped at any epoch it goes on to the same end and bits', async () => {
  for (const at of [1, 2, took - 1]) {
    const stop = new AbortController()
    const saved: Checkpoint[] = []
    try {
      await run(ending, {
        signal: stop.signal,
        save: async (snapshot, seconds, curve) => {
          saved.push({ snapshot, seconds, curve: JSON.parse(JSON.stringify(curve)) })
        },
        onProgress: ({ epoch, step }) => (epoch === at && step % 3 !== 1 ? stop.abort() : undefined),
      })
      assert.unreachable('it was stopped')
    } catch (error) {
      assert.instance(error, AbortedError)
    }
    const resumed = await run(ending, { resume: saved.at(-1)! })
    assert.equal(resumed.outcome.curve, whole.outcome.curve)
    assert.equal(digests(resumed), digests(whole))
  }
})

test('asked to stop in the epoch that ends it, it has ended', async () => {
  const stop = new AbortController()
  let saved = 0
  const ended = await run(ending, {
    signal: stop.signal,
    save: async () => void saved++,
    onProgress: ({ epoch, step }) => (epoch === took && step % 3 === 0 ? stop.abort() : undefined),
  })
  assert.equal([digests(ended), saved], [digests(whole), 0])
})

test.run()
