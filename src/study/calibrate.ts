// `calibrate FILE`: temperature scaling of any kept network, or of logits from anywhere: the T > 0 that minimises the
// NLL of held-out logits / T, and what it does on a test set.
import type { Engine } from '../engine.ts'
import { InputError } from '../errors.ts'
import { readSafetensors, type SafeTensor } from '../io/safetensors.ts'
import { nodeFiles } from '../node/files.ts'
import { stream } from '../random.ts'
import { fixed, percent, thousands } from '../report/format.ts'
import { type Answers, boundText, pick, type Scaling, temperatureScaling } from '../report/scaling.ts'
import { textTable } from '../report/tableText.ts'
import { dataOf, heldAnswers, networkOf, openEngine, testAnswers } from './answers.ts'
import { CALIBRATE_FLAGS, type FileOptions, fileHelp, parseFiles } from './fileArgs.ts'
import { readModel } from './model.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill calibrate FILE… [flags]',
  `Temperature scaling (Guo et al. 2017): the T that minimises the NLL of held-out logits / T; NLL, ECE and accuracy on
test before and after. FILE is a network that a study kept (--keep), or logits as safetensors: \`logits\` F32 [n, classes]
and \`labels\` [n] to fit on, \`test.logits\` and \`test.labels\` to test on; without these every second row, in a fixed
random order, is tested on.`,
  CALIBRATE_FLAGS,
)

export async function calibrateCommand(argv: readonly string[]): Promise<number> {
  const options = parseFiles(argv, CALIBRATE_FLAGS)
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  let engine: Engine | undefined
  try {
    const done: ({ file: string; fittedOn: string } & Scaling)[] = []
    for (const file of options.files) {
      const bytes = await nodeFiles.readFile(file)
      const { tensors } = readSafetensors(bytes, file)
      if (!tensors.has('logits')) engine ??= await openEngine(options)
      const found = tensors.has('logits')
        ? storedAnswers(tensors, file)
        : await fromNetwork(engine!, bytes, file, options)
      const scaling = temperatureScaling(found.held, found.test, found.classes, options.bins)
      done.push({ file, fittedOn: found.fittedOn, ...scaling })
      if (!options.json) process.stdout.write(`${textOf(done.at(-1)!)}\n`)
    }
    if (options.json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, files: done }, null, 1)}\n`)
    return 0
  } finally {
    engine?.destroy()
  }
}

interface Found {
  held: Answers
  test: Answers
  classes: number
  fittedOn: string
}

async function fromNetwork(engine: Engine, bytes: Uint8Array, file: string, options: FileOptions): Promise<Found> {
  const { model, weights } = readModel(bytes, file)
  const data = await dataOf(model, options)
  const network = networkOf(engine, model, weights)
  const held = await heldAnswers(engine, network, data, { model, images: options.images })
  const test = await testAnswers(engine, network, data, model)
  return { held, test, classes: test.classes, fittedOn: 'training images that it was not trained on' }
}

/** Logits of a file; throws InputError that names what is missing or does not fit. */
export function storedAnswers(tensors: ReadonlyMap<string, SafeTensor>, file: string): Found {
  const get = (prefix: string) => {
    const [logits, labels] = [tensors.get(`${prefix}logits`), tensors.get(`${prefix}labels`)]
    const shapes = `${prefix}logits ${JSON.stringify(logits?.shape)}, ${prefix}labels ${JSON.stringify(labels?.shape)}`
    if (!logits || !labels || logits.shape.length !== 2 || labels.shape.join() !== String(logits.shape[0])) {
      throw new InputError(`${file}: needs logits [n, classes] and labels [n], has ${shapes}`)
    }
    if (!(logits.data instanceof Float32Array))
      throw new InputError(`${file}: ${prefix}logits is ${logits.dtype}, not F32`)
    const classes = logits.shape[1]
    const numbers = Array.from(labels.data, Number)
    const wrong = numbers.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes))
    if (wrong >= 0)
      throw new InputError(`${file}: ${prefix}labels has ${labels.data[wrong]}; there are ${classes} classes`)
    const none = logits.data.findIndex((value) => !(value < Number.POSITIVE_INFINITY))
    if (none >= 0) {
      const row = Math.floor(none / classes)
      throw new InputError(`${file}: ${prefix}logits has ${logits.data[none]} in row ${row}; numbers are needed`)
    }
    return { answers: { logits: logits.data, labels: Uint32Array.from(numbers) }, classes }
  }
  const { answers, classes } = get('')
  if (tensors.has('test.logits') || tensors.has('test.labels')) {
    const test = get('test.')
    if (test.answers.labels.length === 0) throw new InputError(`${file}: no rows in test.logits`)
    if (test.classes !== classes)
      throw new InputError(`${file}: ${classes} classes to fit on, ${test.classes} to test on`)
    return { held: answers, test: test.answers, classes, fittedOn: 'rows of the file' }
  }
  const n = answers.labels.length
  if (n < 2) throw new InputError(`${file}: ${n} row; fitting and testing need rows of their own`)
  const order = stream(0, 'calibrate').permutation(n)
  const half = Math.ceil(n / 2)
  const [held, test] = [order.slice(0, half), order.slice(half)].map((rows) => pick(answers, rows, classes))
  return { held, test, classes, fittedOn: 'rows of the file, drawn at random; the others are tested on' }
}

function textOf({
  file,
  fittedOn,
  tau,
  atBound,
  fitted,
  tested,
  changed,
}: { file: string; fittedOn: string } & Scaling) {
  const row = (
    name: string,
    T: number,
    fit: { nll: number; ece: number },
    { nll, ece, accuracy }: Scaling['tested']['before'],
  ) => {
    return [name, fixed(T, 4), fixed(fit.nll, 4), percent(fit.ece), fixed(nll, 4), percent(ece), percent(accuracy)]
  }
  const table = textTable({
    title: '',
    caption: '',
    head: ['', 'T', 'NLL fitted', 'ECE % fitted', 'NLL test', 'ECE % test', 'accuracy % test'],
    left: [0],
    blocks: [
      {
        title: '',
        rows: [row('before', 1, fitted.before, tested.before), row('after', tau, fitted.after, tested.after)],
      },
    ],
  })
  const bound = boundText({ tau, atBound })
  return `${file}${table}
fitted on ${thousands(fitted.n)} ${fittedOn}; ${thousands(tested.n)} test rows, the answer of ${thousands(changed)} changed${bound ? `; ${bound}` : ''}.
`
}
