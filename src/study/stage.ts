// A study is a list of stages; a stage trains the trained nodes of one graph. Stages are plain JSON: later ones refer
// to networks of earlier ones by the stage's id. A cell of a table is a stage, and so is a teacher that others share.
import type { EdgeOf, Role, VirtualTeacher } from '../distill/methods.ts'
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
