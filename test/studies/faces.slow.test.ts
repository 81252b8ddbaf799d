// A small study of made-up identities on the shared device: networks learn to tell apart whom they have never seen.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePair } from '../../src/data/dataset.ts'
import { identities } from '../../src/data/identities.ts'
import { resnet } from '../../src/nn/resnet.ts'
import { stream } from '../../src/random.ts'
import type { Run } from '../../src/report/rows.ts'
import { FACES } from '../../src/studies/faces.ts'
import { resultsOf } from '../../src/study/results.ts'
import { verified } from '../../src/study/verify.ts'
import { engine } from '../device.ts'
import { running } from '../study/running.ts'

const test = suite('faces, trained')

test('supervised, KD, online KD and TriKD all verify unseen identities better than a network with fresh weights', async () => {
  const network = (width: number) => ({ depth: 8, widths: [width, 2 * width, 4 * width], stemStride: 1, embedding: 16 })
  const recipe = FACES.check({
    ...FACES.presets.smoke.recipe,
    sizes: [10],
    epochs: 14,
    batch: 32,
    teacher: network(8),
    student: network(6),
  })
  const made = identities({ identities: 42, train: 16, test: 2, size: 10 })
  const data = FACES.data!(await makePair(made.train, made.test, 'synthetic'), recipe)
  const stages = FACES.stages(recipe, { side: 10, channels: 1, classes: data.train.classes.length })
  const cells = await (await running(stages, data)).cells
  const facts = { seeds: [0], preset: 'smoke', dataset: 'identities', config: {} } as unknown as Run
  const { rows, claims } = resultsOf(facts, stages, cells, FACES.claims)

  const { network: fresh, view } = stages[1].nodes.student
  const { size } = stages[1].views[view]
  const untrained = resnet(engine.gpu, fresh, stream(0, 'init student'))
  const before = await verified(engine, untrained, data, { height: size, width: size }, stages[1].verify!)
  // 14 identities, 18 pictures each: 153 pairs of each within, a sample of the 29,484 without.
  assert.equal([before.samePairs, before.differentPairs], [2142, 20_000])
  assert.is(rows.length, 7)
  for (const { method, role, status, reason, samePairs, differentPairs, auc, eer, tar1e2 } of rows) {
    const name = `${method} ${role ?? 'student'}: AUC ${auc}, fresh ${before.auc}`
    assert.is(status, 'ok', reason)
    assert.equal([samePairs, differentPairs], [2142, 20_000])
    assert.ok(auc! > before.auc + 0.1 && eer! < before.eer && tar1e2! > 0, name)
  }
  assert.equal(
    claims.map(({ verdict }) => verdict),
    FACES.claims.map(() => 'one seed, no verdict'),
  )
})

test.run()
