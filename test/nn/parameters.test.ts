import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Parameters, type Spec } from '../../src/nn/parameters.ts'
import { loadWeights, saveWeights } from '../../src/nn/weights.ts'
import { adam } from '../../src/optim.ts'
import { engine } from '../device.ts'

const test = suite('parameters')
const spec = (name: string, values: number[], kind: Spec['kind'] = 'weight'): Spec => ({
  ...{ name, kind, shape: [values.length], values: Float32Array.from(values) },
})
const net = (...specs: Spec[]) => new Parameters(engine.gpu, specs)

test('refuses specs that would lose values, by name', () => {
  assert.throws(() => net(spec('w', [1]), spec('w', [2])), /Parameters: 'w' is there twice/)
  assert.throws(() => net({ ...spec('w', [1, 2]), shape: [3] }), /Parameters: 'w' has 2 values for shape \[3\]/)
  assert.throws(() => net(spec('w', [1], 'dense' as 'weight')), /'w' is a 'dense', needs weight, norm, bias, running/)
})

test('a state that does not fit changes nothing', async () => {
  const parameters = net(spec('a', [1, 2]), spec('b', [3], 'running'))
  const state = await parameters.state()
  state.set('a', { shape: [2], data: Float32Array.of(8, 9) })
  state.set('b', { shape: [1], data: new Float32Array(2) })
  assert.throws(() => parameters.load(state), /load: 'b' has 2 values for shape \[1\]/)
  assert.equal([...(await parameters.get('a').read())], [1, 2])
})

test('weights are saved and loaded, by whatever has parameters', async () => {
  const [from, to] = [
    net(spec('a', [1, 2]), spec('b', [3], 'running')),
    net(spec('a', [0, 0]), spec('b', [0], 'running')),
  ]
  loadWeights({ parameters: to }, await saveWeights({ parameters: from }))
  assert.equal([...(await to.get('a').read()), ...(await to.get('b').read())], [1, 2, 3])
})

test('optimizers take the flat buffers, and say so', () => {
  const parameters = net(spec('w', [1]))
  assert.throws(() => adam(parameters as unknown as Parameters['flat'], { lr: 1 }), /adam: needs flat buffers/)
})

test.run()
