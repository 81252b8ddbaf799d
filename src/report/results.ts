// Reads a results document that came from a file: every field is checked, the message names the one at fault, and a
// document of a newer version is refused instead of half understood.
import { InputError, quote } from '../errors.ts'
import { type Results, SCHEMA_VERSION } from './rows.ts'

type Check = (value: unknown) => boolean
type Schema = Record<string, [Check, string]>

const isText: Check = (x) => typeof x === 'string'
const isNumber: Check = (x) => typeof x === 'number' && Number.isFinite(x)
const between =
  (low: number, high: number): Check =>
  (x) =>
    isNumber(x) && (x as number) >= low && (x as number) <= high
const isCount: Check = (x) => Number.isInteger(x) && (x as number) >= 0
const isObject: Check = (x) => typeof x === 'object' && x !== null && !Array.isArray(x)
const orNull =
  (check: Check): Check =>
  (x) =>
    x === null || check(x)
const optional =
  (check: Check): Check =>
  (x) =>
    x === undefined || check(x)
const listOf =
  (check: Check): Check =>
  (x) =>
    Array.isArray(x) && x.every(check)
const oneOf =
  (...allowed: unknown[]): Check =>
  (x) =>
    allowed.includes(x)

/** A matrix of counts. */
const isSquare: Check = (x) => Array.isArray(x) && x.every((row) => listOf(isCount)(row) && row.length === x.length)

const TEXT: Schema[string] = [isText, 'a text']
const MAYBE_TEXT: Schema[string] = [orNull(isText), 'a text or null']
const FRACTION: Schema[string] = [orNull(between(0, 1)), 'a fraction from 0 to 1 (not percent) or null']
const POSITIVE: Schema[string] = [orNull(between(-1e-6, Number.MAX_VALUE)), 'a number of at least 0 or null']
const GAP: Schema[string] = [orNull(between(-1, 1)), 'a fraction from -1 to 1 (not percent) or null']
const SIZE: Schema[string] = [(x) => isCount(x) && x !== 0, 'a positive whole number']
const COUNT: Schema[string] = [isCount, 'a whole number of at least 0']
const TEACHER: Schema[string] = [
  oneOf(null, 'raw', 'calibrated', 'sameResolution'),
  "'raw', 'calibrated', 'sameResolution' or null",
]
const STATUS: Schema[string] = [
  oneOf('ok', 'failed', 'stopped', 'saturated'),
  "'ok', 'failed', 'stopped' or 'saturated'",
]

const BIN: Schema = {
  lower: [between(0, 1), 'a number from 0 to 1'],
  upper: [between(0, 1), 'a number from 0 to 1'],
  count: COUNT,
  meanConfidence: [between(0, 1 + 1e-6), 'a number from 0 to 1'],
  accuracy: [between(0, 1), 'a number from 0 to 1'],
}
const BINS: Schema[string] = [optional(listOf((bin) => fits(bin, BIN))), 'a list of bins']
const REASON: Schema[string] = [optional(isText), 'a text']

const MAYBE_POSITIVE: Schema[string] = [optional(POSITIVE[0]), POSITIVE[1]]
const MAYBE_FRACTION: Schema[string] = [optional(FRACTION[0]), FRACTION[1]]

const EPOCHS: Schema[string] = [optional(isCount), 'a whole number']

/** Where a study varies something. */
const VARIED: Schema = {
  axis: [optional(isText), 'a text'],
  at: [optional((x) => isText(x) || isNumber(x)), 'a number or a text'],
}

/** What only some studies' rows say. */
const KIND: Schema = {
  ...VARIED,
  role: [oneOf(undefined, 'teacher'), "'teacher'"],
  generation: [optional(isCount), 'a whole number'],
  loss: [optional(isText), 'a text'],
  peerLoss: [optional(isText), 'a text'],
  teacherWidth: [optional(isCount), 'a whole number'],
}

/** Which network of which seed something is of. */
const NETWORK: Schema = {
  method: TEXT,
  size: SIZE,
  temperature: POSITIVE,
  teacher: TEACHER,
  seed: COUNT,
  ...KIND,
}

const ROC_POINT: Schema = {
  far: [between(0, 1), 'a fraction from 0 to 1'],
  tar: [between(0, 1), 'a fraction from 0 to 1'],
}

const ROW: Schema = {
  ...NETWORK,
  tau: POSITIVE,
  n: [orNull(isCount), 'a whole number or null'],
  status: STATUS,
  accuracy: FRACTION,
  top5: FRACTION,
  ece: FRACTION,
  signedGap: GAP,
  entropy: POSITIVE,
  nll: POSITIVE,
  brier: POSITIVE,
  trainAccuracy: FRACTION,
  trainNll: POSITIVE,
  seconds: POSITIVE,
  teacherSeconds: POSITIVE,
  imagesPerSecond: POSITIVE,
  stepMs: MAYBE_POSITIVE,
  stepMsFull: MAYBE_POSITIVE,
  stepMsLow: MAYBE_POSITIVE,
  inferenceMs: POSITIVE,
  forwardFlops: POSITIVE,
  sha256: MAYBE_TEXT,
  bins: BINS,
  confusion: [optional(isSquare), 'a list of as many lists of as many whole numbers'],
  member: [optional(isCount), 'a whole number'],
  reason: REASON,
  klTeacher: MAYBE_POSITIVE,
  klTeacherTrain: MAYBE_POSITIVE,
  agreeTeacher: MAYBE_FRACTION,
  agreeTeacherTrain: MAYBE_FRACTION,
  klAnchor: MAYBE_POSITIVE,
  klAnchorTrain: MAYBE_POSITIVE,
  agreeAnchor: MAYBE_FRACTION,
  agreeAnchorTrain: MAYBE_FRACTION,
  teacherEce: MAYBE_FRACTION,
  trainBatchEce: MAYBE_FRACTION,
  bestHeldOut: MAYBE_FRACTION,
  bestOnTest: MAYBE_FRACTION,
  heldOutNll: MAYBE_POSITIVE,
  epochsTo99: MAYBE_POSITIVE,
  curveArea: MAYBE_FRACTION,
  epochs: EPOCHS,
  samePairs: [optional(isCount), 'a whole number'],
  differentPairs: [optional(isCount), 'a whole number'],
  tar1e1: MAYBE_FRACTION,
  tar1e2: MAYBE_FRACTION,
  tar1e3: MAYBE_FRACTION,
  auc: MAYBE_FRACTION,
  eer: MAYBE_FRACTION,
  roc: [optional(listOf((point) => fits(point, ROC_POINT))), 'a list of { far, tar }'],
}

const CALIBRATION: Schema = {
  ece: FRACTION,
  signedGap: GAP,
  entropy: POSITIVE,
  nll: POSITIVE,
  brier: POSITIVE,
  bins: BINS,
}
const MAYBE_CALIBRATION: Schema[string] = [orNull((x) => fits(x, CALIBRATION)), 'a calibration or null']

const TEACHER_ROW: Schema = {
  size: SIZE,
  seed: COUNT,
  role: [oneOf('full', 'sameResolution'), "'full' or 'sameResolution'"],
  status: STATUS,
  tau: POSITIVE,
  accuracy: FRACTION,
  top5: FRACTION,
  trainAccuracy: FRACTION,
  trainNll: POSITIVE,
  raw: MAYBE_CALIBRATION,
  calibrated: MAYBE_CALIBRATION,
  seconds: POSITIVE,
  inferenceMs: POSITIVE,
  forwardFlops: POSITIVE,
  sha256: MAYBE_TEXT,
  bestHeldOut: MAYBE_FRACTION,
  bestOnTest: MAYBE_FRACTION,
  epochs: EPOCHS,
  ...VARIED,
  reason: REASON,
}

const CURVE: Schema = {
  ...NETWORK,
  points: [
    listOf((point) => isObject(point) && isNumber((point as { epoch: unknown }).epoch)),
    'a list of { epoch, … }',
  ],
}

const MAP_POINT: Schema = {
  ...NETWORK,
  epoch: COUNT,
  x: [isNumber, 'a number'],
  y: [isNumber, 'a number'],
}

const CLAIM: Schema = {
  id: TEXT,
  text: TEXT,
  source: TEXT,
  here: REASON,
  verdict: [
    oneOf('holds', 'reversed', 'undecided', 'one seed, no verdict', 'not tested'),
    "'holds', 'reversed', 'undecided', 'one seed, no verdict' or 'not tested'",
  ],
  reason: TEXT,
  parts: [listOf(isObject), 'a list of parts'],
}

const RUN: Schema = {
  version: TEXT,
  commit: MAYBE_TEXT,
  adapter: TEXT,
  driver: MAYBE_TEXT,
  features: [listOf(isText), 'a list of texts'],
  seeds: [listOf(isCount), 'a list of whole numbers'],
  dataHash: TEXT,
  fingerprint: TEXT,
  command: TEXT,
  preset: TEXT,
  dataset: TEXT,
  classes: [optional(listOf(isText)), 'a list of texts'],
  paper: [optional(isText), 'a text'],
  config: [isObject, 'an object'],
  date: TEXT,
  trainingSeconds: MAYBE_POSITIVE,
  software: [optional((x) => typeof x === 'boolean'), 'true or false'],
  overrides: [optional(listOf(isText)), 'a list of texts'],
  choices: [optional(isObject), 'an object'],
}

/** Of the maps. */
const SHARES: Schema = { mapShare: MAYBE_FRACTION, mapEndShare: MAYBE_FRACTION }

/** The document in a file's text, checked. */
export function readResults(text: string, name: string): Results {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    throw new InputError(`${name} is not JSON: ${(error as Error).message}`)
  }
  return parseResults(document, name)
}

/** The document, checked. `name` is the file, for messages. */
export function parseResults(document: unknown, name = 'results.json'): Results {
  if (!isObject(document)) throw new InputError(`${name}: not a results document (an object with rows and a run)`)
  const fields = document as Record<string, unknown>
  const { schemaVersion, run, rows, teachers, claims, curves = [], map = [], mapEnd = [] } = fields
  if (!(Number.isInteger(schemaVersion) && (schemaVersion as number) >= 1)) {
    throw new InputError(
      `${name}: schemaVersion is ${quote(schemaVersion)}; a whole number from 1 to ${SCHEMA_VERSION} expected`,
    )
  }
  if ((schemaVersion as number) > SCHEMA_VERSION) {
    throw new InputError(
      `${name}: schemaVersion ${schemaVersion} is newer than this program, which reads up to ${SCHEMA_VERSION}; update webgpu-distill`,
    )
  }
  check(run, RUN, `${name}: run`)
  for (const [key, list, schema] of [
    ['rows', rows, ROW],
    ['teachers', teachers, TEACHER_ROW],
    ['claims', claims, CLAIM],
    ['curves', curves, CURVE],
    ['map', map, MAP_POINT],
    ['mapEnd', mapEnd, MAP_POINT],
  ] as [string, unknown, Schema][]) {
    if (!Array.isArray(list)) throw new InputError(`${name}: ${key} is ${quote(list)}; a list expected`)
    for (const [i, item] of list.entries()) check(item, schema, `${name}: ${key}[${i}]`)
  }
  check(fields, SHARES, name)
  return document as Results
}

function check(value: unknown, schema: Schema, path: string): void {
  if (!isObject(value)) throw new InputError(`${path} is ${quote(value)}; an object expected`)
  for (const [key, [test, expected]] of Object.entries(schema)) {
    const field = (value as Record<string, unknown>)[key]
    if (!test(field)) throw new InputError(`${path}.${key} is ${quote(field)}; ${expected} expected`)
  }
}

function fits(value: unknown, schema: Schema): boolean {
  return (
    isObject(value) && Object.entries(schema).every(([key, [test]]) => test((value as Record<string, unknown>)[key]))
  )
}
