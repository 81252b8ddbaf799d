// What every flag of a study takes and does, in one table: parsing, help and messages come from it.
import { InputError } from '../errors.ts'
import { NETWORK_GRAMMAR, networkNamed } from '../nn/names.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import { datasetNames } from '../node/datasets.ts'
import type { Downscale } from '../ops/pictures.ts'
import type { Flag } from './flag.ts'
import { type CommonRecipe, LOOKS, type Looks, METHODS, type Recipe } from './recipe.ts'
import { runFlags } from './runFlags.ts'

export function wrong(allowed: string): never {
  throw new InputError(allowed)
}

export function number(text: string, allowed: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : wrong(allowed)
}

export function whole(text: string, least = 1, allowed = `a whole number from ${least}`): number {
  const value = number(text, allowed)
  return Number.isSafeInteger(value) && value >= least ? value : wrong(allowed)
}

export function choice<T extends string>(text: string, allowed: readonly T[]): T {
  return allowed.find((each) => each === text) ?? wrong(`one of ${allowed.join(', ')}`)
}

/** Comma-separated, each once. */
export function list<T>(text: string, each: (item: string) => T): T[] {
  return [...new Set(text.split(',').map((item) => each(item.trim())))]
}

/** `3` → 0, 1, 2; `0,3,4` → those; `3,` → 3 alone. */
function seeds(text: string): number[] {
  const allowed = 'a count from 1, or a list like 0,3,4'
  const items = text.split(',').filter((item, i, all) => item !== '' || i < all.length - 1)
  if (text.includes(',')) return [...new Set(items.map((item) => whole(item, 0, allowed)))]
  const n = whole(text, 1, allowed)
  if (n > 10_000) wrong(`a count up to 10000, or a list; for seed ${n} alone: ${n},`)
  return Array.from({ length: n }, (_, i) => i)
}

/** A network by name; what it leaves out stays. */
export const network = (text: string, before: ResNetConfig): ResNetConfig => networkNamed(text, before)

/** `500,1000` → so many images held out, so many of the test set. */
function looks(text: string, outputs = false): Looks | null {
  const allowed = 'two whole numbers from 1, separated by a comma, or none'
  if (text === 'none') return null
  const [heldOut, test, ...more] = text.split(',').map((item) => whole(item, 1, allowed))
  return test === undefined || more.length ? wrong(allowed) : { heldOut, test, outputs }
}

const DOWNSCALES: Downscale[] = ['area', 'bilinear', 'bilinearAntialias']
const all = (text: string): number | null => (text === 'all' ? null : whole(text, 1, "a whole number from 1, or 'all'"))
const positive = (item: string) => number(item, 'numbers above 0, separated by commas')

/** Flags that change what every recipe has. */
const SHARED: Flag<CommonRecipe>[] = [
  {
    name: 'dataset',
    value: 'NAME',
    about: datasetNames.join(', '),
    recipe: (r, text) => (r.dataset = choice(text, datasetNames)),
  },
  { name: 'data', value: 'DIR', about: 'where the data set lies', run: (o, text) => (o.data = text) },
  {
    name: 'sizes',
    value: 'N,N',
    about: "sides of the students' pictures in pixels",
    chooses: true,
    recipe: (r, text) => (r.sizes = list(text, (n) => whole(n, 1, 'whole numbers from 1, separated by commas'))),
  },
  {
    name: 'seeds',
    value: 'N | A,B',
    about: 'a count N (seeds 0 to N-1) or a list; 3, is seed 3 alone',
    chooses: true,
    recipe: (r, text) => (r.seeds = seeds(text)),
  },
  { name: 'epochs', value: 'N', about: 'passes over the images', recipe: (r, text) => (r.epochs = whole(text)) },
  {
    name: 'looks',
    value: 'N,N | none',
    about: 'images held out, and test images, that networks are shown after every epoch',
    recipe: (r, text) => (r.looks = looks(text, r.looks?.outputs)),
  },
  {
    name: 'patience',
    value: 'N',
    about: 'ends a training after so many epochs without a lower NLL on images held out',
    recipe: (r, text) => {
      r.looks ??= { ...LOOKS }
      r.patience = whole(text)
    },
  },
  {
    name: 'train-images',
    value: 'N | all',
    about: 'class-balanced, drawn anew for every seed',
    recipe: (r, text) => (r.trainImages = all(text)),
  },
  {
    name: 'calibration-images',
    value: 'N',
    about: 'held-out images on which τ is fitted',
    recipe: (r, text) => (r.calibrationImages = whole(text, 0)),
  },
  {
    name: 'test-images',
    value: 'N | all',
    about: 'the first so many of the test set',
    recipe: (r, text) => (r.testImages = all(text)),
  },
  { name: 'batch', value: 'N', about: 'images a step', recipe: (r, text) => (r.batch = whole(text)) },
  {
    name: 'micro-batches',
    value: 'N',
    about: 'parts of a batch whose gradients add up; batch norm sees a part at a time',
    recipe: (r, text) => (r.microBatches = whole(text)),
  },
  {
    name: 'lr',
    value: 'X',
    about: 'highest learning rate',
    recipe: (r, text) => (r.optimizer = { ...r.optimizer, lr: number(text, 'a number above 0') }),
  },
  {
    name: 'teacher',
    value: 'NET',
    about: NETWORK_GRAMMAR,
    recipe: (r, text) => (r.teacher = network(text, r.teacher)),
  },
  { name: 'student', value: 'NET', about: 'likewise', recipe: (r, text) => (r.student = network(text, r.student)) },
  {
    name: 'downscale',
    value: 'NAME',
    about: DOWNSCALES.join(', '),
    recipe: (r, text) => (r.downscale = choice(text, DOWNSCALES)),
  },
  {
    name: 'members',
    value: 'N',
    about: 'networks in a cohort of DML and DML_e',
    recipe: (r, text) => (r.members = whole(text, 2)),
  },
  {
    name: 'updates',
    value: 'NAME',
    about: 'simultaneous, sequential: of the members of a cohort in a step',
    recipe: (r, text) => (r.updates = choice(text, ['simultaneous', 'sequential'] as const)),
  },
]

const CQKD_OWN: Flag<Recipe>[] = [
  {
    name: 'raw-temperatures',
    value: 'T,T',
    about: 'of CQKD from the raw teacher',
    chooses: true,
    recipe: (r, text) => (r.rawTemperatures = list(text, positive)),
  },
  {
    name: 'weight',
    value: 'W',
    about: 'of the distillation term, 0 to 1',
    recipe: (r, text) => (r.weight = number(text, 'a number between 0 and 1')),
  },
  {
    name: 'ce-weight',
    value: 'W',
    about: 'of the cross-entropy; default 1 - weight',
    recipe: (r, text) => (r.ceWeight = number(text, 'a number from 0')),
  },
  {
    name: 'teacher-input',
    value: 'NAME',
    about: 'full, low: what the teacher sees while it teaches',
    recipe: (r, text) => (r.teacherInput = choice(text, ['full', 'low'] as const)),
  },
  {
    name: 'tau',
    value: 'X',
    about: 'in place of the fitted τ of the calibrated teacher',
    recipe: (r, text) => (r.tau = number(text, 'a number above 0')),
  },
  {
    name: 'modality',
    value: 'NAME',
    about: 'colour, grey, edges: what students see; claims about the latter two are those of cmkd',
    recipe: (r, text) => (r.modality = choice(text, ['colour', 'grey', 'edges'] as const)),
  },
  {
    name: 'bn-after-eval',
    value: 'NAME',
    about: 'train, freeze: batch norm of DML and DML_e (freeze as in the published code)',
    recipe: (r, text) => (r.bnAfterEval = choice(text, ['train', 'freeze'] as const)),
  },
]

/** Of one study: its own presets, methods and recipe. */
export function flags<R extends CommonRecipe>(
  {
    name,
    presets,
    methods,
    temperatures,
  }: Record<'name' | 'temperatures', string> & Record<'presets' | 'methods', readonly string[]>,
  own: Flag<R>[],
): Flag<R>[] {
  const [dataset, data, sizes, ...training] = SHARED
  const chosen: Flag<CommonRecipe>[] = [
    { name: 'preset', value: 'NAME', about: `${presets.join(', ')}; default quick` },
    { name: 'config', value: 'FILE', about: 'a recipe as JSON, whole or in part; flags override it' },
    dataset,
    data,
    sizes,
    {
      name: 'methods',
      value: 'NAME,NAME',
      about: methods.join(', '),
      chooses: true,
      recipe: (r, text) => (r.methods = list(text, (method) => choice(method, methods))),
    },
    {
      name: 'temperatures',
      value: 'T,T',
      about: temperatures,
      chooses: true,
      recipe: (r, text) => (r.temperatures = list(text, positive)),
    },
  ]
  return [...chosen, ...training, ...own, ...runFlags(name)]
}

export const cqkdFlags = (name: string, presets: readonly string[]): Flag<Recipe>[] => {
  return flags({ name, presets, methods: METHODS, temperatures: 'of CQKD from the calibrated teacher' }, CQKD_OWN)
}
