// docs/operators.md: every operator, what its docstring says of it, and what a call shows: whether gradients flow, and
// which dtypes it takes. WEBGPU_DISTILL_WRITE_DOCS=1 writes the page.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { InputError } from '../src/errors.ts'
import * as ops from '../src/ops/index.ts'
import { type DType, Tensor } from '../src/tensor.ts'
import { engine } from './device.ts'

const test = suite('operators')
const PAGE = 'docs/operators.md'

const labels = engine.zeros([2], { dtype: 'u32' })
const random = { key: [1, 2] } as unknown as ops.DropoutOptions['random']
const sized = (f: (x: Tensor, size: number[]) => Tensor) => (x: Tensor) => f(x, [2, 2])

/** Calls with a picture [2, 2, 4, 4], channel-major. */
const ofPictures: Record<string, (x: Tensor) => unknown> = {
  avgPool2d: (x) => ops.avgPool2d(x, { kernel: 2 }),
  batchNorm: (x) => ops.batchNorm(x, ops.batchNormWeights(x, 2), { train: true }),
  conv2d: (x) => ops.conv2d(x, engine.zeros([2, 2, 1, 1])),
  globalAvgPool: ops.globalAvgPool,
  maxPool2d: (x) => ops.maxPool2d(x, { kernel: 2 }),
  maxPool2dWithIndices: (x) => ops.maxPool2dWithIndices(x, { kernel: 2 }).y,
  resizeArea: sized(ops.resizeArea),
  resizeBilinear: sized(ops.resizeBilinear),
  resizeBilinearAntialias: sized(ops.resizeBilinearAntialias),
  resizeNearest: sized(ops.resizeNearest),
}

/** Calls with a matrix [2, 2]. */
const ofMatrices: Record<string, (x: Tensor) => unknown> = {
  abs: ops.abs,
  add: (x) => ops.add(x, 1),
  addRelu: (x) => ops.addRelu(x, x),
  argmax: (x) => ops.argmax(x),
  cast: (x) => ops.cast(x, x.dtype === 'i32' ? 'u32' : 'i32'),
  clamp: (x) => ops.clamp(x, { min: 0 }),
  classwiseEce: (x) => ops.classwiseEce(x, labels).average,
  concat: (x) => ops.concat([x, x]),
  crossEntropy: (x) => ops.crossEntropy(x, labels),
  detach: ops.detach,
  distillLoss: (x) => ops.distillLoss(x, { labels }).loss,
  div: (x) => ops.div(x, 2),
  dropout: (x) => ops.dropout(x, { random, count: 0 }),
  ece: (x) => ops.ece({ logits: x, labels }).errors,
  eq: (x) => ops.eq(x, 1),
  exp: ops.exp,
  expand: (x) => ops.expand(x, [3, 2, 2]),
  flatten: (x) => ops.flatten(x, 0),
  ge: (x) => ops.ge(x, 1),
  gelu: (x) => ops.gelu(x),
  gt: (x) => ops.gt(x, 1),
  indexSelect: (x) => ops.indexSelect(x, labels),
  lerpInto: (x) => {
    ops.lerpInto(x, engine.zeros([2, 2]))
    return ops.detach(x)
  },
  le: (x) => ops.le(x, 1),
  leakyRelu: (x) => ops.leakyRelu(x),
  linear: (x) => ops.linear(x, engine.zeros([3, 2])),
  log: ops.log,
  logSoftmax: (x) => ops.logSoftmax(x),
  lt: (x) => ops.lt(x, 1),
  matmul: (x) => ops.matmul(x, x),
  max: (x) => ops.max(x),
  maximum: (x) => ops.maximum(x, 0),
  mean: (x) => ops.mean(x),
  minimum: (x) => ops.minimum(x, 0),
  mul: (x) => ops.mul(x, 2),
  neg: ops.neg,
  nllLoss: (x) => ops.nllLoss(x, labels),
  oneHot: (x) => ops.oneHot(x, 3),
  pad: (x) => ops.pad(x, [1, 1, 1, 1]),
  permute: (x) => ops.permute(x),
  pow: (x) => ops.pow(x, 2),
  relu: ops.relu,
  reshape: (x) => ops.reshape(x, [4]),
  scale: (x) => ops.scale(x, 2),
  sigmoid: ops.sigmoid,
  silu: ops.silu,
  slice: (x) => ops.slice(x, { starts: [1], ends: [2] }),
  softmax: (x) => ops.softmax(x),
  sqrt: ops.sqrt,
  stack: (x) => ops.stack([x, x]),
  sub: (x) => ops.sub(x, 1),
  sum: (x) => ops.sum(x),
  tanh: ops.tanh,
  toLayout: (x) => ops.toLayout(ops.reshape(x, [1, 1, 2, 2]), 'chwn'),
  topk: (x) => ops.topk(x, 1).values,
  transpose: (x) => ops.transpose(x),
  where: (x) => ops.where(labels, x, 0),
}

/** Functions of src/ops that take no tensor to compute with. */
const NO_OPERATORS = ['batchNormWeights', 'clipGradNorm', 'meansOf']
const DTYPES: DType[] = ['f32', 'i32', 'u32']

/** What a call with this dtype does; null where it is refused. */
function called(name: string, dtype: DType): { gradient: boolean } | null {
  const pictures = name in ofPictures
  const shape = pictures ? [2, 2, 4, 4] : [2, 2]
  const requiresGrad = dtype === 'f32'
  try {
    const x = engine.zeros(shape, { dtype, layout: pictures ? 'chwn' : 'row', requiresGrad })
    const y = (ofPictures[name] ?? ofMatrices[name])(x)
    assert.instance(y, Tensor, name)
    return { gradient: (y as Tensor).requiresGrad }
  } catch (error) {
    if (error instanceof InputError) return null
    throw error
  }
}

const operators = Object.entries(ops)
  .filter(([name, value]) => typeof value === 'function' && !NO_OPERATORS.includes(name))
  .map(([name]) => name)

interface Documented {
  file: string
  parameters: string
  text: string
}

const read = (file: string) => readFileSync(`src/ops/${file}`, 'utf8')

/** The keys of every interface of src/ops, `?` after those that may be left out. */
const interfaces = new Map<string, string[]>()
for (const file of readdirSync('src/ops')) {
  for (const [, name, parent, body] of read(file).matchAll(/interface (\w+)(?: extends (\w+))? \{\n(.*?)\n\}/gs))
    interfaces.set(name, [...(interfaces.get(parent) ?? []), ...keysOf(body)])
}

function keysOf(body: string): string[] {
  const plain = body.replace(/\/\*.*?\*\//gs, '')
  return [...plain.matchAll(/(?:^|[\n;{])\s*(\w+\??):/g)].map(([, key]) => key)
}

/** A parameter as a call has it: its name, and the default; options by their keys. */
function parameter(text: string): string {
  const [declared, value] = text.trim().split(' = ')
  const [name, ...rest] = declared.split(':')
  const type = rest.join(':').trim()
  const keys = type.startsWith('{') ? keysOf(type) : name === 'options' ? interfaces.get(type) : undefined
  if (keys) return `{ ${keys.join(', ')} }`
  return value === undefined ? name.replace('?', '') : `${name} = ${value}`
}

/** The parameters of a signature, told apart by the commas between them. */
function parametersOf(signature: string): string {
  let depth = 0
  const parts = ['']
  for (const character of signature.replaceAll('=>', '→')) {
    if ('({[<'.includes(character)) depth++
    if (')}]>'.includes(character)) depth--
    if (character === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += character
  }
  const given = parts.filter((part) => part.trim() !== '')
  return given.map(parameter).join(', ')
}

/** Files of src/ops by what index.ts exports of them, in its order, and the docstrings of functions. */
function documented(): Map<string, Documented> {
  const found = new Map<string, Documented>()
  for (const [, file] of read('index.ts').matchAll(/from '\.\/(\w+)\.ts'/g)) {
    for (const [, text, name, signature] of read(`${file}.ts`).matchAll(
      /\/\*\*((?:(?!\*\/).)*)\*\/\nexport function (\w+)\((.*?)\)(?:: [^\n]+)? \{\n/gs,
    )) {
      if (!operators.includes(name)) continue
      const plain = text.replace(/\n \*/g, ' ').replace(/\s+/g, ' ').trim()
      found.set(name, { file, parameters: parametersOf(signature), text: plain })
    }
  }
  return found
}

test('every operator is called here', () => {
  assert.equal(Object.keys({ ...ofPictures, ...ofMatrices }).sort(), [...operators].sort())
})

test('the page says what calls show', () => {
  const known = documented()
  const rows = operators.map((name) => {
    const doc = known.get(name)
    assert.ok(doc, `src/ops: ${name} has no docstring`)
    const results = DTYPES.map((dtype) => [dtype, called(name, dtype)] as const)
    const taken = results.filter(([, result]) => result).map(([dtype]) => dtype)
    const gradient = results.some(([, result]) => result?.gradient)
    const text = doc.text.replaceAll('|', '\\|')
    const link = `[${name}](../src/ops/${doc.file}.ts)`
    return `| ${link} | \`${name}(${doc.parameters})\` <br> ${text} | ${gradient ? 'yes' : 'no'} | ${taken.join(', ')} |`
  })
  const page = `# Operators

Written by \`WEBGPU_DISTILL_WRITE_DOCS=1 node test/run.mjs operators\` from the docstrings, and from a call with each
dtype: does the result take part in \`backward\`, and is the dtype refused? (Of the loss functions and \`indexSelect\`
that is the first tensor; labels and indices are whole numbers.) Options are one object, \`?\` marks those that may be
left out; operands are tensors, and of two one may be a number or a Scalar. How each is checked:
[conformance.md](conformance.md), [CONTRIBUTING.md](../CONTRIBUTING.md#an-operator).

| operator | | gradient | takes |
| --- | --- | --- | --- |
${rows.join('\n')}
`
  if (process.env.WEBGPU_DISTILL_WRITE_DOCS === '1') writeFileSync(PAGE, page)
  assert.is(readFileSync(PAGE, 'utf8'), page)
})

test.run()
