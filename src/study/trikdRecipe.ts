// TriKD's recipe and presets. The networks, images and steps of `quick` and `standard` are those of our protocol.
import type { TrikdWeights } from '../distill/methods.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import { CIFAR_LOOKS, type CommonRecipe, checkCommon, FEW_LOOKS, need } from './recipe.ts'

export const TRIKD_METHODS = [
  'supervised',
  'kd',
  'online',
  'anchor',
  'trikd',
  'label-anchor',
  'control',
  'ablation',
  'large-teacher',
  'label-smoothing',
  'tfkd',
  'dml',
  'dml-e',
  'takd',
  'eskd',
  'sckd',
  'dkd',
  'mimic',
] as const
export type TrikdMethod = (typeof TRIKD_METHODS)[number]

export interface TrikdRecipe extends CommonRecipe {
  methods: TrikdMethod[]
  /** The last one; 0 is online KD, without an anchor. */
  generations: number
  /**
   * Generations without a lower NLL of the student on images held out after which, by seed and size, no further one is
   * trained. Absent: all of them are.
   */
  saturation?: number
  /** Of the four KL terms; distillation from a finished teacher has that of teacher to student. Cross-entropy has 1. */
  weights: TrikdWeights
  /** Of the KL terms between networks that are trained together, and with the anchor. */
  klTemperature: number
  /** Of `large-teacher`. */
  largeTeacher: ResNetConfig
  /**
   * The rivals: TAKD's chain of assistants, the teacher's own pupil first; their temperature, ESKD's epochs, DKD's
   * weights, label smoothing, Tf-KD's teacher.
   */
  assistants: ResNetConfig[]
  rivalTemperature: number
  teacherEpochs: number
  distillUntil: number
  dkd: { target: number; others: number }
  smoothing: number
  virtualTeacher: number
  /** The rivals' finished teachers: as they are, or divided by τ. Absent: raw. */
  teacherKinds?: ('raw' | 'calibrated')[]
  /** Epochs of the finished teacher. Absent: as all others. */
  taughtEpochs?: number
  /** Pixels that teachers see. Absent: as many as students. */
  teacherSize?: number
}

const network = (width: number): ResNetConfig => {
  return { depth: 8, widths: [width, 2 * width, 4 * width], stemStride: 1 }
}

const quick: TrikdRecipe = {
  preset: 'quick',
  dataset: 'fashion-mnist',
  trainImages: 1000,
  calibrationImages: 0,
  testImages: null,
  sizes: [7],
  methods: ['supervised', 'kd', 'online', 'anchor', 'trikd', 'label-anchor'],
  temperatures: [1, 4],
  seeds: [0, 1, 2],
  // 15 steps of 64 images each: 300 in all.
  epochs: 20,
  batch: 64,
  members: 3,
  updates: 'simultaneous',
  teacher: network(16),
  student: network(8),
  downscale: 'area',
  optimizer: { name: 'adamw', lr: 1e-2, weightDecay: 0.05 },
  schedule: { name: 'cosine', warmup: 0.1 },
  looks: FEW_LOOKS,
  augmentation: null,
  generations: 2,
  weights: { teacherToStudent: 1, anchorToStudent: 1, studentToTeacher: 1, anchorToTeacher: 1 },
  klTemperature: 1,
  largeTeacher: network(32),
  assistants: [network(12)],
  rivalTemperature: 4,
  teacherEpochs: 10,
  distillUntil: 15,
  dkd: { target: 1, others: 8 },
  smoothing: 0.1,
  virtualTeacher: 0.9,
}

export const TRIKD_PRESETS: Record<string, { about: string; recipe: TrikdRecipe }> = {
  smoke: {
    about: 'about a minute: every kind of row but the ablation, far too little training to mean anything',
    recipe: {
      ...quick,
      preset: 'smoke',
      trainImages: 256,
      testImages: 1000,
      methods: TRIKD_METHODS.filter((method) => method !== 'ablation' && method !== 'mimic'),
      seeds: [0],
      epochs: 3,
      looks: null,
      generations: 1,
      teacherEpochs: 2,
      distillUntil: 2,
    },
  },
  quick: {
    about: 'the default: Fashion-MNIST, 1,000 images, 7 pixels, 300 steps, two generations with an anchor, 3 seeds',
    recipe: quick,
  },
  standard: {
    about:
      '2,000 images, 14 pixels, three generations with an anchor, controls, ablation, teachers of width 16 and 32, 10 seeds',
    recipe: {
      ...quick,
      preset: 'standard',
      trainImages: 2000,
      sizes: [14],
      methods: [...quick.methods, 'control', 'ablation', 'large-teacher'],
      seeds: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      generations: 3,
    },
  },
  paper: {
    about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 epochs of SGD with augmentation; needs a GPU',
    recipe: {
      ...quick,
      preset: 'paper',
      dataset: 'cifar100',
      trainImages: null,
      sizes: [32],
      methods: [...TRIKD_METHODS],
      generations: 3,
      epochs: 240,
      teacher: { depth: 56, widths: [16, 32, 64], stemStride: 1 },
      student: { depth: 20, widths: [16, 32, 64], stemStride: 1 },
      largeTeacher: { depth: 110, widths: [16, 32, 64], stemStride: 1 },
      assistants: [{ depth: 32, widths: [16, 32, 64], stemStride: 1 }],
      teacherEpochs: 120,
      distillUntil: 180,
      optimizer: { name: 'sgd', lr: 0.05, weightDecay: 5e-4, momentum: 0.9, nesterov: true },
      schedule: { name: 'cosine', warmup: 0.02 },
      looks: CIFAR_LOOKS,
      augmentation: { shift: 4, flip: true },
    },
  },
}

/** Throws InputError that names the field and quotes the value. */
export function checkTrikd(recipe: TrikdRecipe): TrikdRecipe {
  const { generations, weights, klTemperature } = recipe
  checkCommon(recipe, TRIKD_METHODS)
  const known = Number.isInteger(generations) && generations >= 0 && generations <= 1000
  need(known, 'generations', generations, 'a whole number from 0 to 1000')
  const { saturation, looks } = recipe
  need(saturation === undefined || !!looks, 'saturation', saturation, 'needs looks, which say on how many images')
  for (const weight of Object.values(weights)) {
    need(Number.isFinite(weight) && weight >= 0, 'weights', Object.values(weights), 'four numbers from 0')
  }
  const { teacherKinds = [], calibrationImages, taughtEpochs = 1, teacherSize = 1 } = recipe
  need(Number.isInteger(taughtEpochs) && taughtEpochs > 0, 'taught-epochs', taughtEpochs, 'a whole number from 1')
  need(Number.isInteger(teacherSize) && teacherSize > 0, 'teacher-size', teacherSize, 'pixels, a whole number from 1')
  const fits = !teacherKinds.includes('calibrated') || calibrationImages > 0
  need(fits, 'calibration-images', calibrationImages, 'a calibrated teacher needs images to fit τ on')
  if (recipe.methods.includes('eskd')) {
    const { epochs, teacherEpochs, distillUntil } = recipe
    const whole = recipe.taughtEpochs ?? epochs
    need(
      teacherEpochs < whole,
      'teacher-epochs',
      teacherEpochs,
      `eskd's teacher stops before the ${whole} epochs of others`,
    )
    need(distillUntil < epochs, 'distill-until', distillUntil, `eskd stops distilling before the end, epoch ${epochs}`)
  }
  need(klTemperature > 0 && Number.isFinite(klTemperature), 'kl-temperature', klTemperature, 'a number above 0')
  return recipe
}
