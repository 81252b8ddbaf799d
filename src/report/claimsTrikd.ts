// The claims of the TriKD paper, each computed from the rows. Rows of one generation and seed start from the same
// weights: TriKD's generation g is compared with online KD from g's own weights where there is such a control.
import type { Part } from './claim.ts'
import { saturates } from './claimsGenerations.ts'
import { largerTeacher, lessSoWithTrikd } from './claimsLarger.ts'
import { type Cells, type Claim, compare, inWords, untested } from './compare.ts'
import { endsOfGap, GAPS, madeOf } from './gaps.ts'
import { type Group, labelOf } from './groups.ts'
import {
  againstFinished,
  againstOnlineKd,
  kdAt,
  largeAgainstUsual,
  minusEach,
  ofTheLoss,
  overGenerations,
} from './here.ts'
import {
  ACCURACY,
  atEnd,
  controlAtEnd,
  crossings,
  lastOf,
  noted,
  OTHER_WEIGHTS,
  pick,
  versus,
  type Which,
  WITHOUT_ANCHOR,
  widthsOf,
} from './triplet.ts'

/** What counts as similar: one point of accuracy. */
export const MARGIN = 0.01

const RIVALS = ['kd', 'dml', 'dmlE', 'tfkd', 'eskd', 'takd', 'sckd', 'dkd']
function beatsRivals({ groups }: Cells): Part[] | string {
  const ours = atEnd(groups, { method: 'trikd' })
  if (ours.length === 0) return 'no TriKD rows'
  const rivals = pick(groups, {}).filter(({ method }) => RIVALS.includes(method))
  const online = controlAtEnd(groups)
  if (rivals.length + online.groups.length === 0) return 'no rows of another way to distil'
  const statistic = 'accuracy'
  return [
    ...rivals.map((rival) => versus(ours, [rival], { statistic, ...ACCURACY })),
    ...(online.groups.length ? [versus(ours, online.groups, { statistic, ...ACCURACY }, online.note)] : []),
    ...pick(groups, { method: 'supervised' }).map((group) => {
      return versus(ours, [group], { statistic, ...ACCURACY, decides: false })
    }),
  ]
}

/** The student's losses at generation 1, beside a teacher with its full loss where the ablation was run. */
function bestOfAblation({ groups }: Cells): Part[] | string {
  const whole = pick(groups, { method: 'trikd', generation: 1 })
  if (whole.length === 0) return 'no TriKD rows'
  const arm = (loss: string, others: [Which, string][]) => {
    const crossed = pick(groups, { method: 'ablation', generation: 1, loss, peerLoss: 'CE+S+A' })
    if (crossed.length) return { found: crossed, note: '' }
    for (const [which, note] of others) {
      const found = pick(groups, which)
      if (found.length) return { found, note }
    }
    return { found: [], note: '' }
  }
  const arms: [string, ReturnType<typeof arm>][] = [
    ['CE+A', arm('CE+A', [[{ method: 'anchor' }, '']])],
    [
      'CE+T',
      arm('CE+T', [
        [{ method: 'online', generation: 1 }, 'the teacher without the anchor, too'],
        [{ method: 'online', generation: 0 }, `the teacher without the anchor, too, and ${OTHER_WEIGHTS}`],
      ]),
    ],
    ['CE', arm('CE', [[{ method: 'supervised' }, OTHER_WEIGHTS]])],
  ]
  const against = arms.map(([loss, { found, note }]): Part => {
    const question = { rows: `student CE+T+A minus ${loss}`, statistic: 'accuracy', ...ACCURACY }
    return noted(compare(whole, found, question), note)
  })
  return [...against, ...crossings(groups)]
}

/** As accurate within the margin, on either side. */
function similar(a: Group[], b: Group[], decides: boolean): Part[] {
  return [
    versus(a, b, { statistic: 'accuracy, not below by 1 point', ...ACCURACY, zero: -MARGIN, decides }),
    versus(a, b, { statistic: 'accuracy, not above by 1 point', ...ACCURACY, side: 'below', zero: MARGIN, decides }),
  ]
}

/** How high, and how soon, where epochs were looked at. */
function labelsOnly({ groups }: Cells): Part[] | string {
  const labels = pick(groups, { method: 'labelAnchor', generation: 1 })
  const curriculum = pick(groups, { method: 'trikd', generation: 1 })
  if (labels.length === 0 || curriculum.length === 0) return 'no rows with an anchor of labels and one of online KD'
  const looked = labels.some(({ rows }) => rows.some(({ epochsTo99 }) => typeof epochsTo99 === 'number'))
  if (!looked) {
    const why = 'held-out accuracy during training is not measured here'
    return [...similar(labels, curriculum, false), untested('anchor of labels only', 'speed of convergence', why)]
  }
  const slower = { statistic: 'epochs to 99 % of the final accuracy on images held out', unit: 'number' as const }
  const area = { statistic: 'mean accuracy over epochs on images held out', measure: 'curveArea' as const }
  return [
    ...similar(labels, curriculum, true),
    versus(labels, curriculum, { ...slower, measure: 'epochsTo99', side: 'above' }),
    versus(labels, curriculum, { ...area, side: 'below', decides: false }),
  ]
}

/** The anchored teacher against the free one, and against the finished one. */
function capacity({ groups }: Cells): Part[] | string {
  const free = controlAtEnd(groups, 'teacher')
  if (lastOf(groups) === 0 || free.groups.length === 0) return 'no TriKD rows, or no online KD beside them'
  const ours = atEnd(groups, { method: 'trikd', role: 'teacher' })
  const question = { statistic: "teacher's accuracy, not below by 1 point", ...ACCURACY, zero: -MARGIN }
  const finished = pick(groups, { method: 'supervised', role: 'teacher' })
  return [
    versus(ours, free.groups, question, free.note),
    ...(finished.length ? [versus(ours, finished, { ...question, decides: false })] : []),
  ]
}

function easierToMimic({ groups }: Cells): Part[] | string {
  const free = controlAtEnd(groups)
  if (lastOf(groups) === 0 || free.groups.length === 0) return 'no TriKD rows, or no online KD beside them'
  const ours = atEnd(groups, { method: 'trikd' })
  const below = { unit: 'nats' as const, side: 'below' as const }
  return [
    versus(
      ours,
      free.groups,
      { statistic: 'KL from T to S on test images', measure: 'klTeacher', ...below },
      free.note,
    ),
    versus(
      ours,
      free.groups,
      { statistic: 'KL from T to S on training images', measure: 'klTeacherTrain', ...below },
      free.note,
    ),
    versus(
      ours,
      free.groups,
      { statistic: 'equal answers of T and S on test images', measure: 'agreeTeacher', side: 'above', decides: false },
      free.note,
    ),
  ]
}

function overfitting({ groups }: Cells): Part[] | string {
  const ours = atEnd(groups, { method: 'trikd' })
  const supervised = pick(groups, { method: 'supervised' })
  if (ours.length === 0 || supervised.length === 0) return 'no TriKD rows, or no supervised ones beside them'
  const online = controlAtEnd(groups)
  const others: [Group[], boolean, string][] = [
    [supervised, true, OTHER_WEIGHTS],
    [online.groups, false, online.note],
    ...pick(groups, { method: 'kd' }).map((group): [Group[], boolean, string] => [[group], false, OTHER_WEIGHTS]),
  ]
  return others.flatMap(([other, decides, note]) => {
    if (other.length === 0) return []
    const [accuracy, nll] = GAPS.map((gap) => versus(ours, other, { ...gap, side: 'below', decides }, note))
    const ends = endsOfGap(ours, other, accuracy.rows)
    return [noted(accuracy, madeOf(ends)), nll, ...ends]
  })
}

/** Against the finished teacher: no less accurate, and followed more closely than KD follows that one. */
function goodAndEasy({ groups }: Cells): Part[] | string {
  const [finished, kd] = [pick(groups, { method: 'supervised', role: 'teacher' }), pick(groups, { method: 'kd' })]
  const teacher = atEnd(groups, { method: 'trikd', role: 'teacher' })
  const student = atEnd(groups, { method: 'trikd' })
  if (student.length === 0 || finished.length === 0 || kd.length === 0)
    return 'no TriKD rows, or no KD from a finished teacher'
  const follows = { statistic: 'KL from T to S on test images', measure: 'klTeacher' as const, unit: 'nats' as const }
  const good = { statistic: "teacher's accuracy, not below by 1 point", ...ACCURACY, zero: -MARGIN }
  const easy = (own: Group[], decides: boolean) => {
    const rows = `${labelOf(own[0])} minus ${labelOf(kd[0])}, mean over temperatures`
    return compare(own, kd, { rows, ...follows, side: 'below', decides })
  }
  // Is it the anchor, or being trained together?
  const [free, freeTeacher] = [controlAtEnd(groups), controlAtEnd(groups, 'teacher')]
  const beside = free.groups.length
    ? [versus(freeTeacher.groups, finished, { ...good, decides: false }), easy(free.groups, false)]
    : []
  return [
    noted(versus(teacher, finished, good), inWords(beside.slice(0, 1).map((part) => [WITHOUT_ANCHOR, part]))),
    noted(easy(student, true), inWords(beside.slice(1).map((part) => [WITHOUT_ANCHOR, part]))),
    ...beside,
  ]
}

const PAPER = 'paper'
const UNCHECKED = 'from memory or the introduction, not checked against the paper'

export const TRIKD_CLAIMS: Claim[] = [
  {
    id: 'K1',
    text: 'TriKD beats existing knowledge distillation',
    source: PAPER,
    here: (cells) => minusEach(cells, RIVALS),
    test: beatsRivals,
  },
  {
    id: 'K2',
    text: "Of the student's losses, CE + teacher + anchor is the best: the anchor's KD alone is not enough",
    source: PAPER,
    here: ofTheLoss,
    test: bestOfAblation,
  },
  {
    id: 'K3',
    text: 'Generations help a few times, then saturate',
    source: PAPER,
    here: overGenerations,
    test: saturates,
  },
  {
    id: 'K4',
    text: 'An anchor trained with labels only ends at a similar accuracy but converges more slowly',
    source: PAPER,
    here: 'first generation: accuracy within 1 point, and epochs to 99 % of it on images held out',
    test: labelsOnly,
  },
  {
    id: 'K5',
    text: 'A larger, more accurate teacher makes a worse student under plain KD',
    source: 'paper, the observation of ESKD, SCKD and TAKD',
    here: largeAgainstUsual,
    test: largerTeacher,
  },
  {
    id: 'K5b',
    text: 'Under TriKD a larger teacher harms less than under plain KD, or helps more',
    source: UNCHECKED,
    here: ({ groups }) => `first generation, width ${widthsOf(groups)[0]} against the usual teacher, ${kdAt(groups)}`,
    test: lessSoWithTrikd,
  },
  {
    id: 'K6',
    text: 'The anchored teacher is as accurate as the free one',
    source: PAPER,
    here: (cells) => `${againstOnlineKd(cells)}, not below by 1 point`,
    test: capacity,
  },
  {
    id: 'K7',
    text: 'The anchored teacher is easier to mimic: smaller KL to the student on training and test images',
    source: UNCHECKED,
    here: againstOnlineKd,
    test: easierToMimic,
  },
  {
    id: 'K8',
    text: 'TriKD helps against overfitting',
    source: PAPER,
    here: 'last generation minus supervised from other weights, gap of accuracy and of NLL',
    test: overfitting,
  },
  {
    id: 'K9',
    text: 'The triplet lowers the expected risk that the student can reach',
    source: PAPER,
    here: '',
    test: () => 'needs error curves over several numbers of training images',
  },
  {
    id: 'K10',
    text: 'A teacher can be both good and easy to follow',
    source: 'the question that the paper starts from',
    here: againstFinished,
    test: goodAndEasy,
  },
  {
    id: 'K11',
    text: 'The main obstacle of knowledge distillation is optimisation',
    source: "paper, citing 'Does Knowledge Distillation Really Work?'",
    here: '',
    test: () => "needs KL-only students of the teacher's own architecture at one and ten budgets",
  },
]
