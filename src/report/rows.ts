// What a study hands to the report: one row a trained network and seed, in fractions (not percent), seconds and nats;
// null where a number is not known. `results.ts` checks a document of these that was read from a file.
import type { Bin } from './calibration.ts'
import type { ClaimResult } from './claim.ts'
import type { RocPoint } from './verification.ts'

/** The version of the results document that this code writes and the newest it reads. */
export const SCHEMA_VERSION = 1

/** Which teacher: full resolution with its own logits or divided by τ, or one trained at the student's resolution. */
export type Teacher = 'raw' | 'calibrated' | 'sameResolution'
/** 'saturated': of a generation that was not trained, since those before it had stopped getting better. */
export type Status = 'ok' | 'failed' | 'stopped' | 'saturated'

export interface Row {
  method: string
  /** Side of the student's pictures in pixels. */
  size: number
  temperature: number | null
  teacher: Teacher | null
  tau: number | null
  seed: number
  /** Training images. */
  n: number | null
  status: Status
  accuracy: number | null
  top5: number | null
  ece: number | null
  signedGap: number | null
  entropy: number | null
  nll: number | null
  brier: number | null
  trainAccuracy: number | null
  trainNll: number | null
  /** Training time of the cell, for DML of all members together. */
  seconds: number | null
  /** Training time of the teacher, not contained in `seconds`. */
  teacherSeconds: number | null
  imagesPerSecond: number | null
  /**
   * Milliseconds of a training step whose teacher's logits are looked up, and of the same with the teacher running in
   * it, on full pictures and on the student's.
   */
  stepMs?: number
  stepMsFull?: number
  stepMsLow?: number
  /** Milliseconds to classify one picture. */
  inferenceMs: number | null
  forwardFlops: number | null
  sha256: string | null
  /** Reliability bins on the test set. */
  bins?: Bin[]
  /** Test pictures of class i (row) that were taken for class j (column); not with more than 100 classes. */
  confusion?: number[][]
  /** A teacher that has a row of its own; else the row is a student's. */
  role?: 'teacher'
  /** TriKD's; 0 has no anchor. */
  generation?: number
  /** What the network learns from, 'CE+T+A', and likewise the one trained together with it. */
  loss?: string
  peerLoss?: string
  /** Width of a teacher other than the study's usual one. */
  teacherWidth?: number
  /** What a study varies, 'w', and its value here; absent where the row does not depend on it. */
  axis?: string
  at?: number | string
  /** KL(teacher ‖ this) and KL(anchor ‖ this) in nats, the share of equal answers; on test, then on training images. */
  klTeacher?: number | null
  klTeacherTrain?: number | null
  agreeTeacher?: number | null
  agreeTeacherTrain?: number | null
  klAnchor?: number | null
  klAnchorTrain?: number | null
  agreeAnchor?: number | null
  agreeAnchorTrain?: number | null
  /** Test ECE of the teacher as it teaches: divided by τ where it is. */
  teacherEce?: number | null
  /** ECE of the training batches of the last epoch as the step saw them: train mode, augmented. */
  trainBatchEce?: number | null
  /**
   * Where every epoch was looked at: test accuracy at the best epoch on images held out, and (a leak) at the best on
   * test.
   */
  bestHeldOut?: number | null
  bestOnTest?: number | null
  /** NLL on images held out after the last epoch. */
  heldOutNll?: number | null
  /** First epoch with 99 % of the last one's accuracy on images held out, and the mean of that accuracy over epochs. */
  epochsTo99?: number | null
  curveArea?: number | null
  /** Trained, where training ends once it has converged. */
  epochs?: number
  /** On pairs of identities that nothing was trained on: see `Verification`. */
  samePairs?: number
  differentPairs?: number
  tar1e1?: number | null
  tar1e2?: number | null
  tar1e3?: number | null
  auc?: number | null
  eer?: number | null
  roc?: RocPoint[]
  /** Index in a cohort (DML); rows of one seed that differ only in this are averaged. */
  member?: number
  /** Why the cell failed. */
  reason?: string
}

/** The numbers of a row that a table or a claim may ask for. */
export type Metric = {
  [K in keyof Row]-?: Exclude<Row[K], undefined> extends number | null
    ? K extends 'size' | 'seed' | 'temperature' | 'n' | 'generation' | 'teacherWidth' | 'at' | 'member'
      ? never
      : K
    : never
}[keyof Row]

/** A network's calibration on the test set, before or after τ. */
export interface TeacherCalibration {
  ece: number | null
  signedGap: number | null
  entropy: number | null
  nll: number | null
  brier: number | null
  bins?: Bin[]
}

export interface TeacherRow {
  /** Resolution it was trained at. */
  size: number
  seed: number
  /** 'full' teaches every size; 'sameResolution' is the control. */
  role: 'full' | 'sameResolution'
  status: Status
  tau: number | null
  accuracy: number | null
  top5: number | null
  trainAccuracy: number | null
  trainNll: number | null
  raw: TeacherCalibration | null
  calibrated: TeacherCalibration | null
  seconds: number | null
  inferenceMs: number | null
  forwardFlops: number | null
  sha256: string | null
  /** As in `Row`. */
  bestHeldOut?: number | null
  bestOnTest?: number | null
  epochs?: number
  axis?: string
  at?: number | string
  reason?: string
}

export interface CurvePoint {
  epoch: number
  trainLoss?: number | null
  trainAccuracy?: number | null
  accuracy?: number | null
  nll?: number | null
  ece?: number | null
  /** Accuracy on images held out. */
  heldOut?: number | null
}

/** A network after an epoch, as a point of the map of functions. */
export interface MapPoint extends Kind {
  size: number
  seed: number
  epoch: number
  x: number
  y: number
}

/** The course of one training. */
export interface Curve extends Kind {
  size: number
  seed: number
  points: CurvePoint[]
}

/** What a row is of, apart from size, seed and number of images: rows of one kind are lines of tables and figures. */
export type Kind = Pick<
  Row,
  'method' | 'temperature' | 'teacher' | 'role' | 'generation' | 'loss' | 'peerLoss' | 'teacherWidth' | 'axis' | 'at'
>

/** How the numbers came about. Whatever else a study records here is printed too. */
export interface Run {
  version: string
  commit: string | null
  adapter: string
  driver: string | null
  features: string[]
  seeds: number[]
  dataHash: string
  fingerprint: string
  /** The exact command that makes this again. */
  command: string
  preset: string
  dataset: string
  /** Names, where there are at most 100. */
  classes?: string[]
  /** Default 'cqkd'. */
  paper?: string
  /** The resolved recipe. */
  config: Record<string, unknown>
  date: string
  /**
   * All cells added up, whenever and in whichever process they were trained; where several ran at once more than passed.
   * Older results have the wall time of the last process, as `seconds`.
   */
  trainingSeconds?: number
  seconds?: number
  /** true where the processor stood in for a GPU. */
  software?: boolean
  /** Kernels by shape, where others than the defaults were chosen (`--choices`). */
  choices?: Record<string, string>
  /** Flags that changed the recipe of the preset (not those that only choose cells). */
  overrides?: string[]
  [more: string]: unknown
}

export interface Results {
  schemaVersion: number
  run: Run
  rows: Row[]
  teachers: TeacherRow[]
  claims: ClaimResult[]
  curves?: Curve[]
  /** Networks of one seed after every epoch; distances are those of their answers, in √nats. */
  map?: MapPoint[]
  /** The same of the second half of the epochs alone, which the way there would press together. */
  mapEnd?: MapPoint[]
  /** How much of the sum of all squared distances each of them holds; absent in older results. */
  mapShare?: number
  mapEndShare?: number
}
