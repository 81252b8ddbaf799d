// The stages of a CQKD recipe: per seed the teacher first, then every size x method x temperature. A student sees small
// pictures, of another modality where the recipe says so; the finished teacher the full ones.
import { dml, kd, supervised, tfkd } from '../distill/methods.ts'
import type { TeacherRow } from '../report/rows.ts'
import type { Recipe } from './recipe.ts'
import { type Described, looksOf, type Pictures, partsOf, type Stage, virtualOf } from './stage.ts'

export function cqkdStages(recipe: Recipe, pictures: Pictures): Stage[] {
  const timed = recipe.methods.includes('dml') && recipe.augmentation === null
  return recipe.seeds.flatMap((seed) => {
    const stages = stagesOfSeed(recipe, pictures, seed)
    return timed ? stages.map(firstTimed()) : stages
  })
}

function stagesOfSeed(recipe: Recipe, pictures: Pictures, seed: number): Stage[] {
  const { methods, temperatures, rawTemperatures, modality = 'colour' } = recipe
  const student = studentOf(recipe, pictures)
  const taughtBy = (teacher: Stage, method: keyof typeof TEACHERS, size: number, temperatures: number[]) => {
    return temperatures.map((T) => distilled(recipe, student, teacher, method, size, T))
  }
  const alone = (method: keyof typeof ALONE, size: number) => trainedAlone(recipe, student, seed, method, size)

  const full = teacherStage(recipe, pictures, seed, 'full', pictures.side)
  const stages: Stage[] = []
  if (methods.includes('cqkd') || methods.includes('cqkd-raw')) stages.push(full)
  for (const size of recipe.sizes) {
    if (methods.includes('supervised')) stages.push(alone('supervised', size))
    if (methods.includes('cqkd')) stages.push(...taughtBy(full, 'cqkd', size, temperatures))
    if (methods.includes('cqkd-raw')) stages.push(...taughtBy(full, 'cqkd-raw', size, rawTemperatures))
    if (methods.includes('same-resolution') && (size !== pictures.side || modality !== 'colour')) {
      const same = teacherStage(recipe, pictures, seed, 'sameResolution', size)
      stages.push(same, ...taughtBy(same, 'same-resolution', size, temperatures))
    }
    for (const method of ['dml', 'dml-e', 'tfkd'] as const) {
      if (methods.includes(method)) stages.push(alone(method, size))
    }
  }
  return stages
}

/** What all stages of a seed have in common. */
const commonOf = (recipe: Recipe, seed: number) => ({
  seed,
  epochs: recipe.epochs,
  batch: recipe.batch,
  ...partsOf(recipe),
  trainImages: recipe.trainImages,
  ...looksOf(recipe),
  optimizer: recipe.optimizer,
  schedule: recipe.schedule,
  augmentation: recipe.augmentation,
  testImages: recipe.testImages,
})

const idOf = (seed: number, ...parts: string[]) => [`seed${seed}`, ...parts].join('/')

/** Nothing is said of colour: keys are those of before there were modalities. */
const modalityOf = ({ modality = 'colour' }: Recipe) => (modality === 'colour' ? {} : { modality })

/** A network for what students see of a picture. */
const smallOf = ({ modality = 'colour' }: Recipe, { channels, classes }: Pictures) => {
  return { channels: modality === 'colour' ? channels : 1, classes }
}

function studentOf(recipe: Recipe, pictures: Pictures): Described {
  return { network: { ...recipe.student, ...smallOf(recipe, pictures) }, view: 'low', from: 'init student' }
}

const weightsOf = ({ weight, ceWeight }: Recipe) => ({ weight, ceWeight: ceWeight ?? 1 - weight })

/** Trains a teacher, on full pictures or on what students see. */
function teacherStage(recipe: Recipe, pictures: Pictures, seed: number, role: TeacherRow['role'], size: number): Stage {
  const { downscale, calibrationImages } = recipe
  const full = role === 'full'
  const { channels, classes } = full ? pictures : smallOf(recipe, pictures)
  const network = { ...recipe.teacher, channels, classes }
  return {
    ...commonOf(recipe, seed),
    id: full ? idOf(seed, 'teacher') : idOf(seed, `${size}px`, 'teacher'),
    views: { full: { size, downscale, ...(full ? {} : modalityOf(recipe)) } },
    nodes: { teacher: supervised<Described>({ network, view: 'full', from: 'init teacher' }).nodes.student },
    edges: [],
    calibrationImages,
    label: { role, size },
  }
}

/** Which teacher a method's student has. */
const TEACHERS = { cqkd: 'calibrated', 'cqkd-raw': 'raw', 'same-resolution': 'sameResolution' } as const

/** Trains a student of what a stage has finished. */
function distilled(
  recipe: Recipe,
  student: Described,
  { id, seed, views, nodes }: Stage,
  method: keyof typeof TEACHERS,
  size: number,
  temperature: number,
): Stage {
  const { downscale, teacherInput, modality } = recipe
  const from = { stage: id, node: 'teacher' }
  const { network, view } = nodes.teacher
  // By a given τ a teacher is neither raw nor calibrated.
  const fixed = method === 'cqkd' && recipe.tau !== undefined
  const tau = method === 'cqkd-raw' ? 1 : fixed ? recipe.tau : from
  return {
    ...commonOf(recipe, seed),
    id: idOf(seed, `${size}px`, `${method}-T${temperature}`),
    views: {
      full: teacherInput === 'low' ? { ...views.full, size } : views.full,
      low: { size, downscale, ...modalityOf(recipe) },
    },
    ...kd(student, { network, view, from }, { temperature, tau, ...weightsOf(recipe) }),
    calibrationImages: 0,
    ...(fixed ? { compare: true } : {}),
    label: {
      method: modality === undefined ? 'cqkd' : 'cmkd',
      size,
      temperature,
      teacher: fixed ? null : TEACHERS[method],
    },
  }
}

/** What tables call the methods that train on small pictures alone. */
const ALONE = { supervised: 'supervised', dml: 'dml', 'dml-e': 'dmlE', tfkd: 'tfkd' } as const

/** Trains networks on the small pictures alone. */
function trainedAlone(
  recipe: Recipe,
  student: Described,
  seed: number,
  method: keyof typeof ALONE,
  size: number,
): Stage {
  return {
    ...commonOf(recipe, seed),
    id: idOf(seed, `${size}px`, method),
    views: { low: { size, downscale: recipe.downscale, ...modalityOf(recipe) } },
    ...graphOf(recipe, student, method),
    calibrationImages: 0,
    label: {
      method: ALONE[method],
      size,
      temperature: method === 'tfkd' ? virtualOf(recipe).temperature : null,
      teacher: null,
    },
  }
}

function graphOf(
  recipe: Recipe,
  student: Described,
  method: keyof typeof ALONE,
): Pick<Stage, 'nodes' | 'edges' | 'updates' | 'virtual'> {
  if (method === 'supervised') return supervised(student)
  const weights = weightsOf(recipe)
  if (method === 'tfkd') {
    const { temperature, virtual } = virtualOf(recipe)
    return { ...tfkd(student, { temperature, ...weights }), virtual }
  }
  const cohort = Array.from({ length: recipe.members }, (_, i): Described => {
    return i === 0 ? student : { ...student, from: `init student ${i}` }
  })
  const batchStatistics = recipe.bnAfterEval === 'train'
  return dml(cohort, { ...weights, updates: recipe.updates, batchStatistics, ensemble: method === 'dml-e' })
}

/** Of every size, the first student of the finished teacher measures what is asked where CQKD stands beside DML (C8). */
function firstTimed(): (stage: Stage) => Stage {
  const sizes = new Set<number>()
  return (stage) => {
    const { label } = stage
    const own = 'teacher' in label && (label.teacher === 'calibrated' || label.teacher === 'raw')
    if (!own || sizes.has(label.size)) return stage
    sizes.add(label.size)
    return { ...stage, timed: true }
  }
}
