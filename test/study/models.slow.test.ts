// Networks of a finished study: kept, shown again to the same bits, calibrated; and what goes wrong with them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts'
import type { Model } from '../../src/study/model.ts'
import { readOnnx } from '../io/onnxReader.ts'
import { makeProgram, type Program } from './program.ts'

const test = suite('kept networks')
const adapter = process.env.WEBGPU_DISTILL_ADAPTER
const more = adapter ? ['--adapter', adapter] : []

let program: Program
let models: string
let data: string[]
test.before(async () => {
  program = await makeProgram()
  const out = join(program.folder, 'kept')
  const ended = await program.run([...program.small, '--out', out, '--keep'])
  assert.is(ended.code, 0, ended.err)
  assert.match(ended.out, `kept 3 networks in ${out}/models, a model card beside each`)
  models = join(out, 'models')
  data = ['--data', join(program.folder, 'data'), ...more]
})
test.after(() => program.remove())

const modelIn = (file: string): Model => {
  return JSON.parse(readSafetensors(readFileSync(join(models, file)), file).metadata.model)
}

test('every network of the tables has a file that stands alone, and a card', () => {
  const stems = ['seed0-4px-cqkd-T4-student', 'seed0-4px-supervised-student', 'seed0-teacher']
  assert.equal(
    readdirSync(models).sort(),
    stems.flatMap((stem) => [`${stem}.md`, `${stem}.safetensors`]),
  )
  const teacher = modelIn('seed0-teacher.safetensors')
  assert.equal(teacher.serves, ['teacher of seed0/4px/cqkd-T4'])
  assert.equal([teacher.trainImages, teacher.testImages, teacher.dataset], [60, 50, 'fashion-mnist'])
  const { tensors } = readSafetensors(readFileSync(join(models, 'seed0-teacher.safetensors')))
  assert.ok(tensors.has('layer1.0.conv1.weight') && tensors.has('bn1.running_var'))
  const card = readFileSync(join(models, 'seed0-teacher.md'), 'utf8')
  for (const text of [
    '# seed0/teacher, teacher',
    /`resnet8:4,4,4\/1`: 1,\d{3} parameters/,
    'It served as teacher of seed0/4px/cqkd-T4.',
    /\| as trained \| \d+\.\d\d \| /,
    /\| logits \/ \d+\.\d{3} \| /,
    'L(teacher) = CE(teacher, y)',
    '60 training images, drawn by seed 0; 40 others to fit the temperature on',
    'adamw (lr 0.01, weightDecay 0.05)',
    'MIT licence',
    'npx webgpu-distill eval seed0-teacher.safetensors',
  ]) {
    assert.match(card, text)
  }
  assert.not.match(card, /undefined|NaN|\[object/)
})

test('--eval and eval show the same bits again', async () => {
  const file = join(models, 'seed0-4px-cqkd-T4-student.safetensors')
  const flag = await program.run(['cqkd', '--eval', file, '--data', join(program.folder, 'data'), ...more])
  assert.is(flag.code, 0, flag.err)
  assert.match(flag.out, 'weights and logits are the same bits')
  const teacher = join(models, 'seed0-teacher.safetensors')
  const { code, out, err } = await program.run(['eval', file, teacher, '--json', ...data])
  assert.is(code, 0, err)
  const { networks } = JSON.parse(out)
  for (const { model, now, sameBits, calibrated } of networks) {
    assert.ok(sameBits)
    for (const name of ['accuracy', 'ece', 'nll']) {
      assert.ok(Math.abs(now[name] - model.result.test[name]) < 1e-5, name)
      assert.is(calibrated === null, model.node !== 'teacher')
    }
  }
})

test('calibrates kept networks, and logits from anywhere', async () => {
  const teacher = join(models, 'seed0-teacher.safetensors')
  const student = join(models, 'seed0-4px-supervised-student.safetensors')
  const { code, out, err } = await program.run(['calibrate', teacher, student, '--json', ...data])
  assert.is(code, 0, err)
  const [first, second] = JSON.parse(out).files
  // On the images that its own recipe held out, τ is the one that it was given.
  assert.ok(Math.abs(first.tau - modelIn('seed0-teacher.safetensors').result.tau!) < 1e-9)
  assert.equal([first.fitted.n, first.tested.n, first.changed], [40, 50, 0])
  assert.equal([second.fitted.n, second.tested.n, second.changed], [60, 50, 0])

  const file = join(program.folder, 'logits.safetensors')
  const logits = Float32Array.from({ length: 300 }, (_, i) => 4 * Math.sin(7 * i))
  const labels = Uint32Array.from({ length: 100 }, (_, i) => i % 3)
  writeFileSync(
    file,
    writeSafetensors([
      ['logits', { dtype: 'F32', shape: [100, 3], data: logits }],
      ['labels', { dtype: 'U32', shape: [100], data: labels }],
    ]),
  )
  const stored = await program.run(['calibrate', file])
  assert.is(stored.code, 0, stored.err)
  assert.match(stored.out, /before +1\.0000 .*\nafter +\d+\.\d{4} /)
  assert.match(stored.out, 'fitted on 50 rows of the file, drawn at random')
  assert.match(stored.out, '50 test rows, the answer of 0 changed')
})

test('exports kept networks as ONNX models that say what goes in', async () => {
  const stems = ['seed0-4px-cqkd-T4-student', 'seed0-teacher']
  const out = join(program.folder, 'exported')
  const files = stems.map((stem) => join(models, `${stem}.safetensors`))
  const { code, out: said, err } = await program.run(['export', ...files, '--out', out])
  assert.is(code, 0, err)
  const [student, teacher] = stems.map((stem) => readOnnx(readFileSync(join(out, `${stem}.onnx`))))
  const { result } = modelIn('seed0-teacher.safetensors')
  const tau = result.tau!
  const line = (stem: string, side: number, logits: string) =>
    `${join(out, stem)}.onnx: \`pictures\`, [N, 1, ${side}, ${side}] from 0 to 1; \`probabilities\` are softmax(${logits})\n`
  const side = teacher.inputs[0].shape[3] as number
  assert.is(said, line(stems[0], 4, 'logits') + line(stems[1], side, `logits / ${tau.toFixed(3)}`))
  assert.equal(student.inputs[0].shape, ['N', 1, 4, 4])
  assert.not(student.constants.has('temperature'))
  assert.is(teacher.outputs[1].about, `softmax of the logits / ${tau}`)
  assert.equal([...teacher.constants.get('temperature')!.data], [Math.fround(tau)])
  assert.is(teacher.metadata.sha256, result.sha256)
  assert.ok(teacher.constants.has('mean') && teacher.constants.has('layer1.0.conv1.weight'))
})

test('what goes wrong is one line', async () => {
  const weights = join(program.folder, 'weights.safetensors')
  writeFileSync(weights, writeSafetensors([['fc.bias', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]))
  const teacher = join(models, 'seed0-teacher.safetensors')
  const cases: [string[], number, RegExp][] = [
    [['eval', join(models, 'none.safetensors')], 1, /none.safetensors/],
    [['eval', weights], 1, /no kept network/],
    [['eval'], 2, /needs a file or a folder/],
    [['export', weights], 1, /no kept network/],
    [['export', teacher, teacher], 2, /two of the files would become .*seed0-teacher.onnx; export them apart/],
    [['calibrate', teacher, '--images', '61', ...data], 1, /seed0-teacher: trained on 60 of 120 images; 60 are left/],
  ]
  for (const [args, code, message] of cases) {
    const ended = await program.run(args)
    assert.is(ended.code, code, ended.err)
    assert.match(ended.err, message)
    const said = ended.err
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('adapter: '))
    assert.is(said.length, 1, ended.err)
  }
})

test.run()
