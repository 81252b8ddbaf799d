// What a program of a user's may rely on: things happen in the order in which they are called, captured or not, and
// mistakes that would silently give other numbers are errors.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { backward } from '../src/autograd.ts'
import { InputError, ShapeError } from '../src/errors.ts'
import { Parameters } from '../src/nn/parameters.ts'
import { add, mul, scale } from '../src/ops/pointwise.ts'
import { expand, sum } from '../src/ops/reduce.ts'
import { relu } from '../src/ops/relu.ts'
import { adamW, sgd } from '../src/optim.ts'
import { assign, type Shape } from '../src/tensor.ts'
import { engine } from './device.ts'

const test = suite('engine')
const refused = (run: () => unknown, text: RegExp, of: typeof InputError | typeof ShapeError = InputError) =>
  assert.throws(run, (e: Error) => e instanceof of && text.test(e.message))

test('a read gives what is there when it is called, however many runs follow before it is awaited', async () => {
  const by = engine.scalar('by', 0)
  const x = engine.zeros([1])
  const step = engine.capture('plus', () => add(x, by))
  const reads = [1, 2, 3].map((value) => {
    by.value = value
    step.run()
    return step.outputs.read()
  })
  assert.equal(
    (await Promise.all(reads)).map(([y]) => y),
    [1, 2, 3],
  )
  const before = x.read()
  assign(x, [7])
  assert.equal([...(await before)], [0])
})

test('what a captured step will make is not there before its first run', async () => {
  const first = engine.capture('first', () => relu(engine.tensor([3])))
  const second = engine.capture('second', () => add(first.outputs, 1))
  const error = await first.outputs.read().then(String, (e: Error) => e.message)
  assert.match(error, /read: relu is a result of the step 'first', which has not run yet; call run\(\) first/)
  assert.throws(() => second.run(), /second: relu is a result of the step 'first', which has not run yet/)
  assert.throws(() => add(first.outputs, 1), /relu is a result of the step 'first', which has not run yet/)
  first.run()
  second.run()
  assert.equal([...(await first.outputs.read()), ...(await second.outputs.read())], [3, 4])
})

test('assign overwrites results, before their step has run, too, but nothing of a step that has ended', async () => {
  const y = relu(engine.tensor([3]))
  assign(y, [5])
  assert.equal([...(await add(y, 1).read())], [6])
  const step = engine.capture('later', () => relu(engine.tensor([3])))
  assign(step.outputs, [4])
  assert.equal([...(await add(step.outputs, 1).read())], [5])
  let inner = y
  engine.step(() => {
    inner = add(y, 1)
  })
  assert.throws(() => assign(inner, [1]), /write: add was made inside a step that has ended/)
})

test('a step inside a step is a part of it, in every run', async () => {
  const x = engine.tensor([1])
  const outer = engine.capture('outer', () => {
    const h = add(x, 1)
    return mul(
      engine.step(() => mul(h, 3)),
      h,
    )
  })
  for (const [value, want] of [
    [1, 12],
    [2, 27],
  ]) {
    assign(x, [value])
    outer.run()
    assert.equal([...(await outer.outputs.read())], [want])
  }
})

test('what is refused leaves what was called before it, and gradients of a step that throws, as they were', async () => {
  const flat = { values: engine.tensor([10]), gradients: engine.tensor([1]) }
  const optimizer = sgd(flat, { lr: 1 })
  optimizer.advance(1)
  optimizer.step()
  const long = engine.zeros([30_000])
  assert.throws(() => expand(long, [30_000, 30_000]), /expand: 3600000000 bytes in one tensor/)
  let inner = long
  engine.step(() => {
    inner = relu(flat.values)
  })
  assert.throws(() => relu(inner), /was made inside a step that has ended/)
  const x = engine.tensor([2], [1], { requiresGrad: true })
  backward(scale(x, 3))
  assert.throws(() => backward(mul(x, x), x.grad!), /reads '.' and writes 'y' in the memory of one gradient; give it a/)
  x.gradEmpty = true
  const thrown = () => {
    backward(scale(x, 5))
    throw new Error('in the middle')
  }
  assert.throws(() => engine.capture('thrown', thrown), /in the middle/)
  backward(scale(x, 7))
  assert.equal([...(await flat.values.read()), ...(await x.grad!.read())], [9, 7])
})

test('what was called before a run of a captured step comes before it', async () => {
  const flat = { values: engine.tensor([10]), gradients: engine.tensor([1]) }
  const optimizer = sgd(flat, { lr: 1 })
  const step = engine.capture('update', () => optimizer.step())
  const before = mul(flat.values, 1)
  optimizer.advance(1)
  step.run()
  assert.equal([...(await before.read())], [10])
  assert.equal([...(await flat.values.read())], [9])
})

test('without a capture a Scalar counts as it is at the call; in one it keeps still', async () => {
  const factor = engine.scalar('factor', 2)
  const x = engine.tensor([1])
  const both = () => {
    factor.value = 2
    const twice = scale(x, factor)
    factor.value = 3
    return [twice, scale(x, factor)]
  }
  for (const [twice, thrice] of [both(), engine.step(both)]) {
    assert.equal([...(await twice.read()), ...(await thrice.read())], [2, 3])
  }
  refused(() => engine.capture('both', both), /both: 'factor' went from 2 to 3 while the step was recorded/)
})

test('what no replay would do again is refused inside a step', () => {
  const x = engine.tensor([1])
  const inner = engine.capture('inner', () => relu(x))
  refused(() => engine.capture('outer', () => inner.run()), /inner: run inside the step 'outer'/)
  refused(() => engine.step(() => assign(x, [2])), /assign inside the step 'step'.*before the step runs/)
  inner.release()
  assert.throws(() => inner.run(), /inner: can't run, it was released/)
})

test('an optimizer that was never advanced says so, captured or not', () => {
  for (const [name, make] of Object.entries({ sgd, adamW })) {
    const optimizer = make({ values: engine.tensor([1]), gradients: engine.tensor([1]) }, { lr: 1 })
    const step = engine.capture('update', () => optimizer.step())
    refused(() => step.run(), new RegExp(`update: 'rate of ${name}' is NaN.*advance`))
    refused(() => optimizer.step(), new RegExp(`eager: 'rate of ${name}' is NaN`))
    optimizer.advance(1)
    step.run()
  }
  const nothing = engine.scalar('factor', undefined as unknown as number)
  refused(() => scale(engine.tensor([1]), nothing), /'factor' is undefined; give it a value first/)
})

test('an optimizer takes no gradient of an earlier step for one of now', async () => {
  const specs = ['a', 'b'].map((name) => ({ name, shape: [1], kind: 'weight' as const, values: Float32Array.of(2) }))
  const heads = new Parameters(engine.gpu, specs)
  const optimizer = sgd(heads.flat, { lr: 1 })
  const values = async () => [...(await heads.get('a').read()), ...(await heads.get('b').read())]
  const learn = (name: string) => {
    heads.zeroGrad()
    backward(scale(heads.get(name), 0.5))
    optimizer.step()
  }
  for (const [t, name] of ['a', 'b', 'b'].entries()) {
    optimizer.advance(t + 1)
    engine.step(() => learn(name))
  }
  assert.equal(await values(), [1.5, 1])
})

test('gradients of a replayed step, and gradients that were assigned, count for an eager optimizer', async () => {
  const specs = [{ name: 'w', shape: [2], kind: 'weight' as const, values: new Float32Array(2) }]
  const heads = new Parameters(engine.gpu, specs)
  const optimizer = sgd(heads.flat, { lr: 1 })
  const x = engine.tensor([3, 4])
  const gradients = engine.capture('gradients', () => {
    heads.zeroGrad()
    backward(sum(mul(heads.get('w'), x)))
  })
  for (let t = 1; t <= 3; t++) {
    heads.zeroGrad()
    gradients.run()
    optimizer.advance(t)
    optimizer.step()
  }
  assert.equal([...(await heads.get('w').read())], [-9, -12])
  heads.zeroGrad()
  assign(heads.get('w').grad!, [1, 1])
  optimizer.advance(4)
  optimizer.step()
  assert.equal([...(await heads.get('w').read())], [-10, -13])
})

test('values, dtypes, layouts and shapes that cannot be meant are refused', () => {
  const made = (data: unknown, shape?: unknown, options?: unknown) => () =>
    engine.tensor(data as number[], shape as Shape, options as object)
  refused(made([[1, 2], [3]]), /value 0 is a list; needs numbers in one flat list/)
  refused(made([1, undefined, 3]), /value 1 is undefined/)
  refused(made(BigInt64Array.of(5n)), /value 0 is 5 \(bigint\)/)
  refused(made(5), /needs a list of numbers, got 5/)
  refused(made([0, -1], [2], { dtype: 'u32' }), /value 1 is -1, which u32 can't hold/)
  refused(made([Number.NaN], [1], { dtype: 'i32' }), /value 0 is NaN, which i32 can't hold/)
  refused(made([1], [1], { dtype: 'float32' }), /dtype 'float32', needs f32, i32 or u32/)
  refused(made([1], [1, 1, 1, 1], { layout: 'nchw' }), /layout 'nchw', needs row or chwn/)
  refused(made([1, 2], 2), /a shape is a list of whole numbers from 0, got 2/, ShapeError)
  refused(() => engine.full([-1], 0), /full: a shape is a list of whole numbers from 0, got \[-1\]/, ShapeError)
  refused(() => engine.step(undefined as unknown as () => void), /step: needs a function, got undefined/)
})

test('full holds any number of its dtype', async () => {
  assert.equal([...(await engine.full([2], 2 ** 32 - 1, { dtype: 'u32' }).read())], [2 ** 32 - 1, 2 ** 32 - 1])
  assert.equal([...(await engine.full([1], 0.1).read())], [Math.fround(0.1)])
})

test('tensors that nobody refers to give their memory back before it piles up', async () => {
  const before = engine.memory().bytes
  const host = new Float32Array(2 ** 18)
  for (let i = 0; i < 600; i++) {
    engine.tensor(host)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const grown = (engine.memory().bytes - before) / 2 ** 20
  assert.ok(grown < 300, `600 tensors of 1 MiB, one at a time, hold ${grown} MiB`)
})

test.run()
