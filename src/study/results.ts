// Finished cells → the results document: rows, teachers, curves, claims, and how it all came about.

import { judgeClaims } from '../report/claims.ts'
import type { Claim } from '../report/compare.ts'
import {
  type Curve,
  type Results,
  type Row,
  type Run,
  SCHEMA_VERSION,
  type TeacherCalibration,
  type TeacherRow,
} from '../report/rows.ts'
import type { Cell } from './cells.ts'
import { courseOf, curvesOf, kindOf, mapOf } from './courses.ts'
import type { NodeResult, Scores } from './measure.ts'
import { isTeacher, type Label, type Stage } from './stage.ts'
import type { StepTimes } from './stepTimes.ts'

/**
 * Every cell of the recipe is in it: those without a finished cell have the status `stopped`. The claims are CQKD's
 * where none are given.
 */
export function resultsOf(
  run: Run,
  stages: readonly Stage[],
  cells: ReadonlyMap<string, Cell>,
  claims?: Claim[],
): Results {
  const rows: Row[] = []
  const teachers: TeacherRow[] = []
  const curves: Curve[] = []
  for (const stage of stages) {
    const cell = cells.get(stage.id)
    const { label } = stage
    if (isTeacher(label)) teachers.push(teacherRow(stage, label, cell))
    else {
      rows.push(...studentRows(stage, label, cell, cells))
      if (cell?.outcome) curves.push(...curvesOf(stage, label, cell.outcome.curve))
    }
  }
  const trainingSeconds = stages.reduce((sum, { id }) => sum + (cells.get(id)?.outcome?.seconds ?? 0), 0)
  const results = {
    schemaVersion: SCHEMA_VERSION,
    run: { ...run, trainingSeconds },
    rows,
    teachers,
    claims: judgeClaims(rows, teachers, claims, { study: run.paper, curves }),
    curves,
    ...mapOf(stages, cells),
  }
  return withoutNonsense(results)
}

/** JSON has no NaN and no infinity: such a number is not known. */
function withoutNonsense<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** A row a trained node; members of a cohort are numbered. */
function studentRows(stage: Stage, label: Label, cell: Cell | undefined, cells: ReadonlyMap<string, Cell>): Row[] {
  const trained = Object.entries(stage.nodes).filter(([, node]) => node.trained)
  const from = Object.entries(stage.nodes).find(([name, node]) => name === 'teacher' && !node.trained)?.[1].from
  const taught = from && typeof from !== 'string' ? from : null
  const source = taught ? cells.get(taught.stage)?.outcome : null
  return trained.map(([name], i): Row => {
    const outcome = cell?.outcome
    const node = outcome?.nodes[name]
    return {
      ...label,
      ...kindOf(stage, label, name),
      size: stage.views[stage.nodes[name].view].size,
      tau: label.teacher === 'raw' || !taught ? null : (given(stage, name) ?? source?.nodes[taught.node]?.tau ?? null),
      seed: stage.seed,
      n: outcome?.trainImages ?? stage.trainImages ?? imagesLike(stage, cells),
      ...ending(cell),
      ...scoresOf(node?.test),
      trainAccuracy: node?.train.accuracy ?? null,
      trainNll: node?.train.nll ?? null,
      seconds: outcome?.seconds ?? null,
      teacherSeconds: source?.seconds ?? null,
      imagesPerSecond: outcome?.imagesPerSecond ?? null,
      inferenceMs: node?.inferenceMs ?? null,
      forwardFlops: node?.forwardFlops ?? null,
      sha256: node?.sha256 ?? null,
      ...(node ? { bins: node.test.bins } : {}),
      ...(node?.confusion && { confusion: node.confusion }),
      ...likenessOf(node),
      ...node?.verification,
      ...(outcome ? { trainBatchEce: outcome.curve.at(-1)?.nodes[name].ece } : {}),
      ...courseOf(outcome?.curve ?? [], name),
      ...tookOf(stage, cell),
      ...stepsOf(outcome?.stepTimes),
      ...(/^member\d+$/.test(name) ? { member: i } : {}),
    }
  })
}

/** Of a stage without an outcome that trains on all images: as many as the others like it did; it stays one of their row. */
function imagesLike({ reserved }: Stage, cells: ReadonlyMap<string, Cell>): number | null {
  const alike = [...cells.values()].find(({ outcome, stage }) => {
    return outcome && stage.trainImages === null && stage.reserved === reserved
  })
  return alike?.outcome?.trainImages ?? null
}

/** The τ that a recipe gives in place of the fitted one. */
function given({ edges }: Stage, to: string): number | undefined {
  const tau = edges.find((edge) => edge.to === to && edge.from === 'teacher')?.tau
  return typeof tau === 'number' ? tau : undefined
}

/** How near a network's answers are to its teacher's and its anchor's. */
function likenessOf(node: NodeResult | undefined): Partial<Row> {
  const { teacher, anchor } = node?.toward ?? {}
  return {
    ...(teacher && {
      klTeacher: teacher.kl,
      klTeacherTrain: teacher.trainKl,
      agreeTeacher: teacher.agreement,
      agreeTeacherTrain: teacher.trainAgreement,
      ...(teacher.ece === undefined ? {} : { teacherEce: teacher.ece }),
    }),
    ...(anchor && {
      klAnchor: anchor.kl,
      klAnchorTrain: anchor.trainKl,
      agreeAnchor: anchor.agreement,
      agreeAnchorTrain: anchor.trainAgreement,
    }),
  }
}

function teacherRow(stage: Stage, label: Exclude<Stage['label'], Label>, cell: Cell | undefined): TeacherRow {
  const outcome = cell?.outcome
  const node: NodeResult | undefined = outcome?.nodes.teacher
  const { bestHeldOut, bestOnTest } = courseOf(outcome?.curve ?? [], 'teacher')
  return {
    ...label,
    seed: stage.seed,
    ...ending(cell),
    tau: node?.tau ?? null,
    accuracy: node?.test.accuracy ?? null,
    top5: node?.test.top5 ?? null,
    trainAccuracy: node?.train.accuracy ?? null,
    trainNll: node?.train.nll ?? null,
    raw: node ? calibrationOf(node.test) : null,
    calibrated: node?.calibrated ? calibrationOf(node.calibrated) : null,
    seconds: outcome?.seconds ?? null,
    inferenceMs: node?.inferenceMs ?? null,
    forwardFlops: node?.forwardFlops ?? null,
    sha256: node?.sha256 ?? null,
    ...(bestHeldOut === undefined ? {} : { bestHeldOut, bestOnTest }),
    ...tookOf(stage, cell),
  }
}

/** Milliseconds of a training step. */
function stepsOf(times: StepTimes | undefined): Partial<Row> {
  if (!times) return {}
  return { stepMs: 1000 * times.cached, stepMsFull: 1000 * times.full, stepMsLow: 1000 * times.low }
}

/** How many epochs training took where it could end early. */
function tookOf({ patience }: Stage, cell: Cell | undefined): Pick<Row, 'epochs'> {
  return patience && cell?.outcome ? { epochs: cell.outcome.curve.length } : {}
}

function ending(cell: Cell | undefined): Pick<Row, 'status' | 'reason'> {
  if (!cell) return { status: 'stopped', reason: 'not trained yet' }
  return cell.reason === null ? { status: cell.status } : { status: cell.status, reason: cell.reason }
}

function scoresOf(scores: Scores | undefined): Omit<Scores, 'bins'> | Record<keyof Omit<Scores, 'bins'>, null> {
  if (!scores) return { accuracy: null, top5: null, ece: null, signedGap: null, entropy: null, nll: null, brier: null }
  const { bins, ...numbers } = scores
  return numbers
}

function calibrationOf({ ece, signedGap, entropy, nll, brier, bins }: Scores): TeacherCalibration {
  return { ece, signedGap, entropy, nll, brier, bins }
}
