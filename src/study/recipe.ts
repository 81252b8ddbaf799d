// What a study is, resolved to plain JSON: it is printed, stored with every result and hashed into every cell's key.
// Here what all studies share, and CQKD's own; TriKD's is in trikdRecipe.ts.
import type { VirtualTeacher } from '../distill/methods.ts'
import { InputError } from '../errors.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import type { Augmentation, Downscale, Modality } from '../ops/pictures.ts'

export const METHODS = ['supervised', 'cqkd', 'cqkd-raw', 'same-resolution', 'dml', 'dml-e', 'tfkd'] as const
export type Method = (typeof METHODS)[number]

/**
 * What is looked at after every epoch: accuracy on so many images held out and on the first so many test images, and
 * whether the answers to the latter are kept.
 */
export interface Looks {
  heldOut: number
  test: number
  outputs: boolean
}

const looking = (heldOut: number, test: number): Looks => ({ heldOut, test, outputs: false })

/** Where a flag asks for looks that the recipe does not have. */
export const LOOKS = looking(1000, 1000)
/** Of small presets: a fifth more operations in TriKD's `quick`, an eighth more in CQKD's. */
export const FEW_LOOKS = looking(400, 400)
/** Of CIFAR whole: the papers' authors chose the epoch on all test images, and so does the column labelled as leaking. */
export const CIFAR_LOOKS = looking(5000, 10_000)
const IMAGENET_LOOKS = looking(10_000, 50_000)

/** A learning rate over a training; shares are of its steps. */
export type Course =
  | { name: 'cosine' | 'oneCycle' | 'constant'; warmup: number }
  /** From each milestone on, a share, the rate is `gamma` (default 0.1) times what it was. */
  | { name: 'multiStep'; milestones: number[]; gamma?: number }

/** What every study says. */
export interface CommonRecipe {
  preset: string
  dataset: string
  /** Class-balanced training images per seed; null: all. */
  trainImages: number | null
  /** Images outside the subset on which τ is fitted. */
  calibrationImages: number
  /** Test images; null: all of them. */
  testImages: number | null
  sizes: number[]
  methods: string[]
  /** Of distillation from a finished teacher; in CQKD a calibrated one. */
  temperatures: number[]
  seeds: number[]
  epochs: number
  batch: number
  /** Parts of a batch, one after the other; batch norm sees a part at a time. Default 1. */
  microBatches?: number
  /** Of DML and DML_e: networks in a cohort, and whether each is updated before the next one's loss. */
  members: number
  updates: 'simultaneous' | 'sequential'
  teacher: ResNetConfig
  student: ResNetConfig
  downscale: Downscale
  optimizer: { name: 'adamw' | 'sgd'; lr: number; weightDecay: number; momentum?: number; nesterov?: boolean }
  schedule: Course
  /** null or absent: nothing, and no table of what the best epoch would have been. */
  looks?: Looks | null
  /**
   * Epochs without a lower NLL on images held out after which a training ends; `epochs` at most. Absent: after those.
   */
  patience?: number
  augmentation: Omit<Augmentation, 'key' | 'counter'> | null
  /** Of Tf-KD: the probability of its virtual teacher; default 0.9. */
  virtualTeacher?: number
  /** Of Tf-KD. Absent: temperature 1, not smoothed. */
  tfkd?: Omit<VirtualTeacher, 'probability'>
}

export interface Recipe extends CommonRecipe {
  methods: Method[]
  rawTemperatures: number[]
  /** w: weight of the distillation term. */
  weight: number
  /** Weight of the cross-entropy; null: 1 - w. */
  ceWeight: number | null
  teacherInput: 'full' | 'low'
  bnAfterEval: 'train' | 'freeze'
  /** In place of the fitted τ of the calibrated teacher; what it then is stands beside its students. */
  tau?: number
  /** What students see of a picture. Absent: colour. */
  modality?: Modality
}

const quick: Recipe = {
  preset: 'quick',
  dataset: 'fashion-mnist',
  trainImages: 2000,
  calibrationImages: 2000,
  testImages: null,
  sizes: [14, 7],
  methods: ['supervised', 'cqkd', 'cqkd-raw', 'dml'],
  temperatures: [1, 4, 20],
  rawTemperatures: [4],
  seeds: [0],
  epochs: 20,
  batch: 64,
  weight: 0.5,
  ceWeight: null,
  members: 3,
  updates: 'simultaneous',
  teacher: { depth: 8, widths: [16, 32, 64], stemStride: 2 },
  student: { depth: 8, widths: [8, 16, 32], stemStride: 1 },
  teacherInput: 'full',
  bnAfterEval: 'train',
  downscale: 'area',
  optimizer: { name: 'adamw', lr: 1e-2, weightDecay: 0.05 },
  schedule: { name: 'cosine', warmup: 0.1 },
  looks: FEW_LOOKS,
  augmentation: null,
}

/** papers.md-style presets; every field can be overridden by a flag. */
export const PRESETS: Record<string, { about: string; recipe: Recipe }> = {
  smoke: {
    about: 'under a minute: every kind of cell, far too little training to mean anything',
    recipe: {
      ...quick,
      preset: 'smoke',
      trainImages: 500,
      calibrationImages: 500,
      testImages: 1000,
      sizes: [7],
      temperatures: [4],
      epochs: 3,
      looks: null,
    },
  },
  quick: { about: 'the default: Fashion-MNIST, 2,000 images, 14 and 7 pixels, 20 epochs, one seed', recipe: quick },
  standard: {
    about: '10,000 images, 28, 14 and 7 pixels, ResNet-14 teacher, five temperatures, 5 seeds (about 340 TFLOP)',
    recipe: {
      ...quick,
      preset: 'standard',
      trainImages: 10000,
      sizes: [28, 14, 7],
      methods: ['supervised', 'cqkd', 'cqkd-raw', 'same-resolution', 'dml'],
      temperatures: [1, 2, 4, 10, 20],
      rawTemperatures: [1, 4, 20],
      seeds: [0, 1, 2, 3, 4],
      teacher: { depth: 14, widths: [16, 32, 64], stemStride: 2 },
      looks: LOOKS,
    },
  },
  paper: {
    about:
      "the paper's settings, on ImageNet as folders of JPEGs (docs/imagenet.md); never run whole; needs GPUs for weeks",
    recipe: {
      ...quick,
      preset: 'paper',
      dataset: 'imagenet',
      trainImages: null,
      calibrationImages: 10000,
      sizes: [168, 112, 84, 56, 42, 28],
      temperatures: [1, 10, 20],
      rawTemperatures: [10, 20],
      teacher: { depth: 50 },
      student: { depth: 18 },
      batch: 512,
      microBatches: 8,
      downscale: 'bilinear',
      optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 0.01 },
      schedule: { name: 'oneCycle', warmup: 0.1 },
      looks: IMAGENET_LOOKS,
      augmentation: {
        shift: 0,
        flip: false,
        crop: { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
        randAugment: { operations: 2, magnitude: 9 },
      },
    },
  },
  cifar10: {
    about: "the paper's questions on all of CIFAR-10, augmented, OneCycle, ResNet-56 and ResNet-20; needs a GPU",
    recipe: {
      ...quick,
      preset: 'cifar10',
      dataset: 'cifar10',
      trainImages: null,
      calibrationImages: 5000,
      sizes: [28, 24, 20, 16, 12, 8],
      temperatures: [1, 2, 4, 10, 20],
      rawTemperatures: [1, 10, 20],
      teacher: { depth: 56, widths: [16, 32, 64], stemStride: 1 },
      student: { depth: 20, widths: [16, 32, 64], stemStride: 1 },
      batch: 512,
      optimizer: { name: 'adamw', lr: 1e-3, weightDecay: 0.01 },
      schedule: { name: 'oneCycle', warmup: 0.1 },
      looks: CIFAR_LOOKS,
      augmentation: { shift: 4, flip: false },
    },
  },
}

const whole = (n: unknown): n is number => Number.isInteger(n) && (n as number) > 0

/** Throws InputError that names the field and quotes the value. */
export function need(ok: boolean, field: string, value: unknown, rule: string): void {
  if (!ok) throw new InputError(`${field} ${JSON.stringify(value)}: ${rule}`)
}

/** Throws InputError that names the field and quotes the value. */
export function checkRecipe(recipe: Recipe): Recipe {
  checkCommon(recipe, METHODS)
  checkTemperatures(recipe.rawTemperatures, 'raw-temperatures')
  need(recipe.weight >= 0 && recipe.weight <= 1, 'weight', recipe.weight, 'between 0 and 1')
  need(recipe.ceWeight === null || recipe.ceWeight >= 0, 'ce-weight', recipe.ceWeight, 'a number from 0')
  return recipe
}

function checkTemperatures(temperatures: readonly number[], field = 'temperatures'): void {
  for (const T of temperatures) need(Number.isFinite(T) && T > 0, field, T, 'a number above 0')
}

/** What every recipe has to be. */
export function checkCommon(recipe: CommonRecipe, methods: readonly string[]): void {
  for (const size of recipe.sizes) need(whole(size), 'sizes', size, 'pixels, a whole number from 1')
  checkTemperatures(recipe.temperatures)
  for (const method of recipe.methods) need(methods.includes(method), 'methods', method, `one of ${methods.join(', ')}`)
  for (const seed of recipe.seeds) need(Number.isSafeInteger(seed) && seed >= 0, 'seeds', seed, 'a whole number from 0')
  for (const list of ['sizes', 'methods', 'seeds'] as const)
    need(recipe[list].length > 0, list, [], 'at least one is needed')
  for (const field of ['epochs', 'batch'] as const)
    need(whole(recipe[field]), field, recipe[field], 'a whole number from 1')
  const { members } = recipe
  need(whole(members) && members > 1 && members <= 1000, 'members', members, 'a whole number from 2 to 1000')
  const { trainImages, batch, microBatches = 1 } = recipe
  need(
    whole(microBatches) && batch % microBatches === 0,
    'micro-batches',
    microBatches,
    `has to divide the batch, ${batch}`,
  )
  const undivided = recipe.methods.includes('sckd') ? 'sckd' : recipe.updates === 'sequential' && 'sequential updates'
  need(microBatches === 1 || !undivided, 'micro-batches', microBatches, `not with ${undivided}, for whole batches only`)
  const { looks, patience } = recipe
  need(patience === undefined || !!looks, 'patience', patience, 'needs looks, which say on how many images')
  need(trainImages === null || whole(trainImages), 'train-images', trainImages, 'a whole number from 1')
  need(recipe.optimizer.lr > 0, 'lr', recipe.optimizer.lr, 'a number above 0')
}
