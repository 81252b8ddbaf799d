// What a recipe may say, key by key: for `--config`, and for the order in which recipes are written.
import { SMOOTHINGS } from '../distill/methods.ts'
import { InputError } from '../errors.ts'
import { architecture, type ResNetConfig } from '../nn/architecture.ts'
import { networkNamed } from '../nn/names.ts'
import { datasetNames } from '../node/datasets.ts'
import type { RandAugment, RandomResizedCrop } from '../ops/pictures.ts'
import { isObject } from '../report/differences.ts'
import { type CommonRecipe, type Course, type Looks, METHODS, type Recipe } from './recipe.ts'
import {
  between,
  count,
  fault,
  from0,
  inside,
  listOf,
  object,
  oneOf,
  orNone,
  orNull,
  positive,
  type Schema,
  SchemaFault,
  type Shape,
  yesNo,
} from './schema.ts'
import { TRIKD_METHODS, type TrikdRecipe } from './trikdRecipe.ts'

// Classes and input channels are the data set's.
type Described = Omit<ResNetConfig, 'classes' | 'channels'>

const described = object<Described>(
  {
    depth: count(),
    widen: count(),
    widths: listOf(count(), { distinct: false }),
    stemWidth: count(),
    stem: oneOf(['3x3', '7x7']),
    stemStride: count(),
    shortcut: oneOf(['A', 'B']),
    embedding: count(),
  },
  ['widen', 'widths', 'stemWidth', 'stem', 'stemStride', 'shortcut', 'embedding'],
)

/** A network by its keys, whole, or by name as in the flags: then what the name leaves out stays. */
const network: Shape<ResNetConfig> = (value, path, before) => {
  try {
    if (typeof value === 'string') return described(networkNamed(value, before as ResNetConfig), path)
    const config = described(value, path)
    architecture(config)
    return config
  } catch (error) {
    if (!(error instanceof InputError) || error instanceof SchemaFault) throw error
    return fault(path, value, error.message)
  }
}

/** What a name leaves out stays as in the one at its place, or in the last. */
const networks: Shape<ResNetConfig[]> = (value, path, before) => {
  const old = Array.isArray(before) ? before : []
  let i = 0
  return listOf<ResNetConfig>((each, at) => network(each, at, old[i++] ?? old.at(-1)), { distinct: false })(value, path)
}

const anyOptimizer = object<CommonRecipe['optimizer']>(
  {
    name: oneOf(['adamw', 'sgd']),
    lr: positive,
    weightDecay: from0,
    momentum: between(0, 1),
    nesterov: yesNo,
  },
  ['momentum', 'nesterov'],
)

/** Of an optimizer of another name momentum does not stay. */
const optimizer: Shape<CommonRecipe['optimizer']> = (value, path, before) => {
  const changed = isObject(value) && isObject(before) && value.name !== undefined && value.name !== before.name
  const kept = changed ? { ...before, momentum: undefined, nesterov: undefined } : before
  const checked = anyOptimizer(value, path, kept)
  for (const key of ['momentum', 'nesterov'] as const) {
    const strange = checked.name !== 'sgd' && checked[key] !== undefined
    if (strange) fault(`${path}.${key}`, checked[key], `only sgd has it; ${path}.name is "${checked.name}"`)
  }
  return checked
}

const COURSES = oneOf(['cosine', 'oneCycle', 'constant', 'multiStep'] as const)
type Steps = Extract<Course, { name: 'multiStep' }>
type Curved = Exclude<Course, Steps>

const share = inside(0, 1)
const milestones: Shape<number[]> = (value, path) => {
  const list = listOf(share, { distinct: false })(value, path)
  return list.every((at, i) => i === 0 || at > list[i - 1]) ? list : fault(path, value, 'rising shares of the training')
}
const steps = object<Steps>({ name: COURSES as Shape<'multiStep'>, milestones, gamma: share }, ['gamma'])
const curved = object<Curved>({ name: COURSES as Shape<Curved['name']>, warmup: between(0, 1) })

/** A schedule by steps has another form: nothing of one by a curve stays in it, nor the other way round. */
const schedule: Shape<Course> = (value, path, before) => {
  const [now, old] = [value, before].map((of) => (isObject(of) ? of.name : undefined))
  const kept = (now ?? old) === old || (now !== 'multiStep' && old !== 'multiStep') ? before : undefined
  return ((now ?? old) === 'multiStep' ? steps : curved)(value, path, kept)
}

const range: Shape<readonly [number, number]> = (value, path, before) => {
  const pair = listOf(positive, { distinct: false })(value, path, before as number[])
  if (pair.length !== 2 || pair[0] > pair[1]) return fault(path, value, 'two numbers above 0, the smaller one first')
  return [pair[0], pair[1]]
}

const augmentation = object<NonNullable<CommonRecipe['augmentation']>>(
  {
    shift: count(0),
    flip: yesNo,
    crop: orNone(object<RandomResizedCrop>({ scale: range, ratio: range })),
    randAugment: orNone(object<RandAugment>({ operations: count(), magnitude: between(0, 30) })),
  },
  ['crop', 'randAugment'],
)

/** What every recipe says, in the order in which it is written. */
const shared = <M extends string>(presets: readonly string[], methods: readonly M[]) => ({
  preset: oneOf(presets),
  dataset: oneOf<string>(datasetNames),
  trainImages: orNull(count()),
  calibrationImages: count(0),
  testImages: orNull(count()),
  sizes: listOf(count()),
  methods: listOf(oneOf(methods)),
  temperatures: listOf(positive),
  seeds: listOf(count(0)),
  epochs: count(),
  batch: count(),
  microBatches: count(),
  members: count(2),
  updates: oneOf(['simultaneous', 'sequential'] as const),
  teacher: network,
  student: network,
  downscale: oneOf(['area', 'bilinear', 'bilinearAntialias'] as const),
  optimizer,
  schedule,
  looks: orNull(object<Looks>({ heldOut: count(), test: count(), outputs: yesNo })),
  patience: count(),
  augmentation: orNull(augmentation),
})

const tfkd = object<NonNullable<CommonRecipe['tfkd']>>({ temperature: positive, smoothing: oneOf(SMOOTHINGS) })

export const cqkdSchema = (presets: readonly string[]): Schema<Recipe> => ({
  ...shared(presets, METHODS),
  rawTemperatures: listOf(positive),
  weight: between(0, 1),
  ceWeight: orNull(from0),
  teacherInput: oneOf(['full', 'low']),
  bnAfterEval: oneOf(['train', 'freeze']),
  virtualTeacher: share,
  tfkd,
  tau: positive,
  modality: oneOf(['colour', 'grey', 'edges'] as const),
})

export const trikdSchema = (presets: readonly string[]): Schema<TrikdRecipe> => ({
  ...shared(presets, TRIKD_METHODS),
  generations: count(0),
  saturation: count(),
  weights: object<TrikdRecipe['weights']>({
    teacherToStudent: from0,
    anchorToStudent: from0,
    studentToTeacher: from0,
    anchorToTeacher: from0,
  }),
  klTemperature: positive,
  largeTeacher: network,
  assistants: networks,
  rivalTemperature: positive,
  teacherEpochs: count(),
  distillUntil: count(0),
  dkd: object<TrikdRecipe['dkd']>({ target: from0, others: from0 }),
  smoothing: between(0, 1),
  virtualTeacher: share,
  tfkd,
  teacherKinds: listOf(oneOf(['raw', 'calibrated'] as const)),
  taughtEpochs: count(),
  teacherSize: count(),
})
