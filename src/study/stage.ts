// A study is a list of stages; a stage trains the trained nodes of one graph. Stages are plain JSON: later ones refer
// to networks of earlier ones by the stage's id. A cell of a table is a stage, and so is a teacher that others share.
import { dml, type EdgeOf, kd, type Role, supervised, tfkd, type VirtualTeacher } from '../distill/methods.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import type { Downscale, Modality } from '../ops/pictures.ts'
import type { Row, TeacherRow } from '../report/rows.ts'
import type { CommonRecipe, Looks, Recipe } from './recipe.ts'
import type { Verify } from './verify.ts'

/** A network of an earlier stage. */
export interface Reference {
  stage: string
  node: string
}

/** A network as a stage speaks of it. */
export interface Described {
  network: ResNetConfig
  view: string
  /** Name of the random stream of its initial weights, or the earlier network it is a copy of. */
  from: string | Reference
}

export type StageNode = Described & Role

/** τ is a number, or what an earlier stage fitted for one of its networks. */
export type StageEdge = EdgeOf<Reference>

/** What the tables call a stage. A trained node `teacher` makes a row of its own. */
export type Label = Pick<
  Row,
  'method' | 'size' | 'temperature' | 'teacher' | 'generation' | 'teacherWidth' | 'axis' | 'at'
>

export interface Stage {
  id: string
  seed: number
  epochs: number
  batch: number
  /** Absent: 1. */
  microBatches?: number
  trainImages: number | null
  /**
   * Of all images, those that nothing is trained on because τ is fitted on them; 0 for a subset, which leaves enough.
   */
  reserved: number
  views: Record<string, { size: number; downscale: Downscale; modality?: Modality }>
  nodes: Record<string, StageNode>
  edges: StageEdge[]
  updates?: 'simultaneous' | 'sequential'
  /** A virtual teacher, which edges call `virtual`; a number is its probability of the right class. */
  virtual?: number | VirtualTeacher
  /** What is looked at after every epoch. */
  looks?: Looks
  /** Epochs without a lower NLL on images held out, of any of its networks, after which training ends. */
  patience?: number
  /**
   * Not trained where none of so many of these, in a row and last, has a lower NLL on images held out than all before.
   */
  saturation?: { patience: number; of: Reference[] }
  /** Tell identities apart that nothing was trained on. */
  verify?: Verify
  /** Measure KL and agreement between the stage's networks at the end. */
  compare?: boolean
  /** Measure what the teacher, whose logits are looked up, costs a step (stepTimes.ts); not in the key. */
  timed?: boolean
  optimizer: Recipe['optimizer']
  schedule: Recipe['schedule']
  augmentation: Recipe['augmentation']
  /** Held-out images on which τ of every trained node is fitted; 0: none. */
  calibrationImages: number
  testImages: number | null
  label: Label | Pick<TeacherRow, 'role' | 'size' | 'axis' | 'at'>
}

/** Whether a stage trains a teacher that has a table of its own. */
export const isTeacher = (label: Stage['label']): label is Exclude<Stage['label'], Label> => !('method' in label)

/** Whether a frozen network has to run in every step: its logits are otherwise computed once, and looked up. */
export function runsAlong({ augmentation, edges }: Pick<Stage, 'augmentation' | 'edges'>, name: string): boolean {
  return (
    augmentation !== null ||
    edges.some(({ from, decoupled }) => [from].flat().includes(name) && (decoupled || typeof from !== 'string'))
  )
}

/** Ids of the stages that must be finished first. */
export function needs(stage: Stage): string[] {
  const named = Object.values(stage.nodes).flatMap(({ from }) => (typeof from === 'string' ? [] : [from.stage]))
  const fitted = stage.edges.flatMap(({ tau }) => (typeof tau === 'number' ? [] : [tau.stage]))
  const generations = stage.saturation?.of.map((before) => before.stage) ?? []
  return [...new Set([...named, ...fitted, ...generations])]
}

/**
 * Of every stage of a recipe: how it looks at its networks, what that ends, and which images are kept for what nothing
 * is trained on.
 */
export const looksOf = ({
  looks,
  patience,
  trainImages,
  calibrationImages,
}: CommonRecipe): Pick<Stage, 'looks' | 'patience' | 'reserved'> => ({
  reserved: trainImages === null ? calibrationImages + (looks?.heldOut ?? 0) : 0,
  ...(looks ? { looks } : {}),
  ...(patience ? { patience } : {}),
})

/** The key of a stage in one part is that of before there were parts. */
export const partsOf = ({ microBatches }: Pick<Stage, 'microBatches'>): Pick<Stage, 'microBatches'> => {
  return microBatches === undefined || microBatches === 1 ? {} : { microBatches }
}

/** Tf-KD's temperature and virtual teacher: the latter a number alone wherever that says all. */
export function virtualOf({ virtualTeacher: probability = 0.9, tfkd }: CommonRecipe) {
  const { temperature, smoothing } = tfkd ?? { temperature: 1, smoothing: 'none' }
  const alone = smoothing === 'logits' || (smoothing === 'none' && temperature === 1)
  return { temperature, virtual: alone ? probability : { probability, temperature, smoothing } }
}

/** Input size and classes are the data set's, so that a recipe fits all of them. */
export interface Pictures {
  side: number
  channels: number
  classes: number
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

/** The stages of a CQKD recipe: per seed the teachers first, then every size x method x temperature. */
export function cqkdStages(recipe: Recipe, pictures: Pictures): Stage[] {
  return recipe.seeds.flatMap((seed) => stagesOfSeed(recipe, pictures, seed))
}

function stagesOfSeed(recipe: Recipe, { side, channels, classes }: Pictures, seed: number): Stage[] {
  const { methods, downscale, weight, teacherInput, calibrationImages } = recipe
  const teacherNet = { ...recipe.teacher, channels, classes }
  const { modality = 'colour' } = recipe
  const seen = modality === 'colour' ? {} : { modality }
  const ownChannels = modality === 'colour' ? channels : 1
  const studentNet = { ...recipe.student, channels: ownChannels, classes }
  const common = {
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
  }
  const teacher: Described = { network: teacherNet, view: 'full', from: 'init teacher' }
  const student: Described = { network: studentNet, view: 'low', from: 'init student' }
  const name = (...parts: string[]) => [`seed${seed}`, ...parts].join('/')
  const own = { ...teacher, network: { ...teacherNet, channels: ownChannels } }
  const teacherStage = (id: string, size: number, role: TeacherRow['role']): Stage => ({
    ...common,
    id,
    views: { full: { size, downscale, ...(role === 'full' ? {} : seen) } },
    nodes: { teacher: supervised(role === 'full' ? teacher : own).nodes.student },
    edges: [],
    calibrationImages,
    label: { role, size },
  })
  const ceWeight = recipe.ceWeight ?? 1 - weight

  const distilled = (
    id: string,
    size: number,
    T: number,
    kind: 'raw' | 'calibrated' | 'sameResolution',
    of: string,
  ): Stage => {
    const teacherSize = kind === 'sameResolution' || teacherInput === 'low' ? size : side
    const from: Reference = { stage: of, node: 'teacher' }
    const fixed = kind === 'calibrated' && recipe.tau !== undefined
    const tau = kind === 'raw' ? 1 : fixed ? recipe.tau : from
    const teaching = kind === 'sameResolution' ? own : teacher
    return {
      ...common,
      id,
      views: {
        full: { size: teacherSize, downscale, ...(kind === 'sameResolution' ? seen : {}) },
        low: { size, downscale, ...seen },
      },
      ...kd(student, { ...teaching, from }, { temperature: T, tau, weight, ceWeight }),
      calibrationImages: 0,
      ...(fixed ? { compare: true } : {}),
      label: {
        method: recipe.modality === undefined ? 'cqkd' : 'cmkd',
        size,
        temperature: T,
        // By a given τ a teacher is neither raw nor calibrated.
        teacher: fixed ? null : kind,
      },
    }
  }
  const cohort = Array.from({ length: recipe.members }, (_, i): Described => {
    return i === 0 ? student : { ...student, from: `init student ${i}` }
  })
  const batchStatistics = recipe.bnAfterEval === 'train'
  /** Trained on the small pictures alone. */
  const small = (
    id: 'supervised' | 'dml' | 'dml-e' | 'tfkd',
    size: number,
    made: Pick<Stage, 'nodes' | 'edges' | 'updates' | 'virtual'>,
    temperature: number | null = null,
  ): Stage => ({
    ...common,
    id: name(`${size}px`, id),
    views: { low: { size, downscale, ...seen } },
    ...made,
    calibrationImages: 0,
    label: { method: id === 'dml-e' ? 'dmlE' : id, size, temperature, teacher: null },
  })

  const stages: Stage[] = []
  const teacherId = name('teacher')
  const distils = methods.includes('cqkd') || methods.includes('cqkd-raw')
  if (distils) stages.push(teacherStage(teacherId, side, 'full'))
  for (const size of recipe.sizes) {
    const at = `${size}px`
    if (methods.includes('supervised')) stages.push(small('supervised', size, supervised(student)))
    if (methods.includes('cqkd')) {
      for (const T of recipe.temperatures)
        stages.push(distilled(name(at, `cqkd-T${T}`), size, T, 'calibrated', teacherId))
    }
    if (methods.includes('cqkd-raw')) {
      for (const T of recipe.rawTemperatures)
        stages.push(distilled(name(at, `cqkd-raw-T${T}`), size, T, 'raw', teacherId))
    }
    if (methods.includes('same-resolution') && (size !== side || modality !== 'colour')) {
      const id = name(at, 'teacher')
      stages.push(teacherStage(id, size, 'sameResolution'))
      for (const T of recipe.temperatures) {
        stages.push(distilled(name(at, `same-resolution-T${T}`), size, T, 'sameResolution', id))
      }
    }
    for (const id of ['dml', 'dml-e'] as const) {
      if (!methods.includes(id)) continue
      const options = { weight, ceWeight, updates: recipe.updates, batchStatistics }
      stages.push(small(id, size, dml(cohort, { ...options, ensemble: id === 'dml-e' })))
    }
    if (methods.includes('tfkd')) {
      const { temperature, virtual } = virtualOf(recipe)
      stages.push(small('tfkd', size, { ...tfkd(student, { temperature, weight, ceWeight }), virtual }, temperature))
    }
  }
  return methods.includes('dml') && recipe.augmentation === null ? stages.map(firstTimed()) : stages
}
