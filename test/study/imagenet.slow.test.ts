// The paper's preset on a hundred synthetic JPEGs in its layout, through every stage; networks are small.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeJpegs } from './jpegFolder.ts'
import { makeProgram, type Program, resultsIn } from './program.ts'

const test = suite('ImageNet in small')

let program: Program
test.before(async () => {
  program = await makeProgram()
  await writeJpegs(join(program.folder, 'jpegs'))
})
test.after(() => program.remove())

const args = ['cqkd', '--preset', 'paper', '--epochs', '1', '--calibration-images', '20', '--batch', '20']
args.push('--looks', '20,20', '--micro-batches', '4', '--sizes', '56', '--temperatures', '20', '--offline')
args.push('--teacher', 'resnet18:4,4,8,8', '--student', 'resnet18:4,4,8,8')

test('a hundred JPEGs go through every stage, from the folder to the report, and again with the same bits', async () => {
  const run = async (name: string, more: string[] = []) => {
    const out = join(program.folder, name)
    const all = [...args, ...more, '--data', join(program.folder, 'jpegs'), '--out', out]
    const { code, err, out: text } = await program.run(all)
    assert.is(code, 0, err)
    assert.match(text, /^data: imagenet from .*jpegs, 80 \+ 20 images, 224x224, 10 classes$/m)
    assert.match(text, 'reduced')
    return resultsIn(out)
  }
  const { rows, teachers } = await run('first')
  const kinds = rows.map(({ method, teacher }) => `${method} ${teacher}`)
  assert.equal([...new Set(kinds)], ['supervised null', 'cqkd calibrated', 'cqkd raw', 'dml null'])
  assert.ok(rows.every(({ status, accuracy, sha256 }) => status === 'ok' && accuracy !== null && sha256?.length === 64))
  assert.equal([teachers.length, teachers[0].size, teachers[0].tau! > 0], [1, 224, true])
  const again = await run('second', ['--methods', 'supervised'])
  assert.is(again.rows[0].sha256, rows[0].sha256)
})

test('without a folder of that layout the program says what is missing', async () => {
  const { code, err } = await program.run([...args, '--data', program.folder])
  assert.is.not(code, 0)
  assert.match(err, /no imagenet here, missing train\/, val\//)
})

test.run()
