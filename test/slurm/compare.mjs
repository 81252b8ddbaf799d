// node compare.mjs A B: do two folders hold the same study, bit for bit? Times are outside of the promise.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const times = [
  'seconds',
  'teacherSeconds',
  'imagesPerSecond',
  'inferenceMs',
  'stepTimes',
  'stepMs',
  'stepMsFull',
  'stepMsLow',
]
const timeless = new Set(times)
const json = (path) => JSON.parse(readFileSync(path, 'utf8'), (key, value) => (timeless.has(key) ? null : value))

function study(folder) {
  const files = readdirSync(join(folder, 'cells')).sort()
  const cells = files.filter((name) => name.endsWith('.json')).map((name) => json(join(folder, 'cells', name)))
  const weights = files
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => readFileSync(join(folder, 'cells', name)).toString('base64'))
  const { rows, teachers, curves } = json(join(folder, 'results.json'))
  return { files, cells: cells.map(({ stage, outcome }) => ({ stage, outcome })), weights, rows, teachers, curves }
}

const [a, b] = process.argv.slice(2).map(study)
let different = 0
for (const part of Object.keys(a)) {
  const same = JSON.stringify(a[part]) === JSON.stringify(b[part])
  if (!same) different++
  console.log(`${part} (${a[part].length}): ${same ? 'the same' : 'DIFFERENT'}`)
}
console.log(different ? 'the studies differ' : `${a.cells.length} cells, the same bits`)
process.exitCode = different ? 1 : 0
