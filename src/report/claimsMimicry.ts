// K7 and K11: can a student follow its teacher, and what keeps it from doing so?
import type { Part } from './claim.ts'
import { MARGIN, TRIKD_CLAIMS } from './claimsTrikd.ts'
import { against0, type Cells, type Claim, compare, judged } from './compare.ts'
import { estimateOf } from './format.ts'
import type { Group } from './groups.ts'
import type { Curve } from './rows.ts'
import { interval, mean, paired } from './stats.ts'
import { noted, pick, type Values } from './triplet.ts'
import { having, numbersIn } from './varied.ts'

/** Different answers on training images that count as none (our choice, made beforehand). */
const SAME = 0.01
/** What has to be there on training images, or without a gap in capacity, to be called the main part of a distance. */
const MAIN = 0.5
/** Why the two comparisons of students of the teacher's own kind changed places after first results. */
const CHANGED =
  'until results were seen, different answers on training images decided: a student that knows the labels by heart passes that'
/** Why a premise came to it, after results were on file, too. */
const BY_HEART =
  'asked for after results were seen: of training images that it knows by heart a teacher tells hardly more than the labels, so whoever knows these is near it, and nearness there says nothing about optimisation'
/** Whoever knows the labels is near a teacher who knows them, too: these tell how near. */
const LABELS = 'students of KD, which learn the labels, too'

function optimisation({ all }: Cells): Part[] | string {
  const [same, small] = ['mimicSame', 'mimic'].map((method) => pick(all, { method }))
  const budgets = numbersIn(same)
  if (budgets.length === 0 || small.length === 0) return 'no students that learn from the teacher alone'
  const most = budgets[budgets.length - 1]
  const kl = { measure: 'klTeacherTrain' as const, statistic: 'KL from T to S on training images' }
  const share = (groups: Group[], who: string, decides: boolean) => {
    return against0(groups, {
      rows: `${who}; above ${MAIN}`,
      statistic: 'KL from T to S on training images over that on test images',
      measure: ({ klTeacherTrain: train, klTeacher: test }) => (train && test ? Math.log(train / test) : null),
      unit: 'ratio',
      side: 'above',
      zero: Math.log(MAIN),
      decides,
    })
  }
  const teacher = against0(pick(all, { method: 'supervised', role: 'teacher' }), {
    rows: `the finished teacher; above ${MAIN}`,
    statistic: 'premise: NLL on training images over that on test images',
    measure: ({ trainNll, nll }) => (trainNll && nll ? Math.log(trainNll / nll) : null),
    unit: 'ratio',
    side: 'above',
    zero: Math.log(MAIN),
    premise: true,
  })
  const kd = pick(all, { method: 'kd' })
  const labelled = kd.length ? [share(kd, LABELS, false)] : []
  const beside = labelled.map((part) => `${LABELS}: ${estimateOf(part)}`)
  return [
    noted(teacher, BY_HEART),
    noted(share(having(same, most), `teacher's own kind, budget ${most}`, true), [CHANGED, ...beside].join('; ')),
    ...labelled,
    against0(having(same, most), {
      rows: `teacher's own kind, budget ${most}`,
      statistic: 'different answers on training images, above 1 %',
      measure: ({ agreeTeacherTrain }) => (typeof agreeTeacherTrain === 'number' ? 1 - agreeTeacherTrain : null),
      side: 'above',
      zero: SAME,
      decides: false,
    }),
    compare(having(same, most), having(small, most), {
      ...kl,
      rows: `teacher's own kind over the smaller student, budget ${most}; above ${MAIN}`,
      unit: 'ratio',
      side: 'above',
      zero: Math.log(MAIN),
      decides: false,
    }),
    ...(budgets.length > 1
      ? [same, small].map((groups, i) => {
          const rows = `${i ? 'smaller student' : "teacher's own kind"}, budget ${most} minus ${budgets[0]}`
          return compare(having(groups, most), having(groups, budgets[0]), {
            ...kl,
            rows,
            unit: 'nats',
            side: 'below',
            decides: false,
          })
        })
      : []),
  ]
}

/** More budget: closer on training images, and on test images? */
function longer({ all }: Cells): Part[] | string {
  const small = pick(all, { method: 'mimic' })
  const budgets = numbersIn(small)
  if (budgets.length < 2) return 'one budget only'
  const [short, long] = [budgets[0], budgets[budgets.length - 1]]
  const rows = `KL only, budget ${long} minus ${short}`
  const [a, b] = [having(small, long), having(small, short)]
  const below = { unit: 'nats' as const, side: 'below' as const }
  return [
    compare(a, b, { rows, statistic: 'KL from T to S on test images', measure: 'klTeacher', ...below }),
    compare(a, b, { rows, statistic: 'accuracy', measure: 'accuracy', side: 'above', decides: false }),
  ]
}

/** How far the accuracies of T and S lie apart, the mean over epochs, by seed. */
function apart(curves: Curve[], method: string): Values {
  const of = (role?: 'teacher') =>
    curves.filter((curve) => curve.method === method && curve.generation === 1 && curve.role === role)
  const gaps = of().flatMap(({ seed, size, points }): [number, number][] => {
    const teachers = of('teacher').filter((curve) => curve.seed === seed)
    // A teacher may see pictures of a size of its own.
    const teacher = teachers.length === 1 ? teachers[0] : teachers.find((curve) => curve.size === size)
    const gap = points.flatMap(({ epoch, accuracy }) => {
      const other = teacher?.points.find((point) => point.epoch === epoch)?.accuracy
      return typeof accuracy === 'number' && typeof other === 'number' ? [Math.abs(other - accuracy)] : []
    })
    return gap.length ? [[seed, mean(gap)]] : []
  })
  return new Map(gaps)
}

function growAlike({ curves }: Cells): Part[] | string {
  const [anchored, free] = [apart(curves, 'trikd'), apart(curves, 'online')]
  if (anchored.size === 0 || free.size === 0) return 'no accuracy after every epoch of teacher and student'
  const question = { statistic: 'accuracies of T and S apart, mean over epochs', side: 'below' as const }
  const alone = (rows: string, values: Values): Part => {
    const margin = { rows: `${rows}; below 1 point`, zero: MARGIN, decides: false }
    return judged(interval([...values.values()]), { ...question, ...margin })
  }
  return [
    judged(paired(anchored, free), { ...question, rows: 'TriKD, gen. 1 minus online KD, gen. 1' }),
    alone('TriKD, gen. 1', anchored),
    alone('online KD, gen. 1', free),
  ]
}

export const MIMICRY_CLAIMS: Claim[] = [
  ...TRIKD_CLAIMS.filter(({ id }) => id === 'K7'),
  {
    id: 'K7b',
    text: 'Teacher and student grow alike during training: with the anchor they lie closer than without',
    source:
      'from memory or the introduction, not checked against the paper; our reading, made with these results on file',
    here: 'first generation minus online KD from the same weights, test accuracy after every epoch',
    test: growAlike,
  },
  {
    id: 'K11',
    text: 'The main obstacle of knowledge distillation is optimisation: students are far from the teacher on training images, too',
    source: "paper, citing 'Does Knowledge Distillation Really Work?'",
    here: "KL-only students of the teacher's own kind, largest budget: KL on training over that on test images",
    test: optimisation,
  },
  {
    id: 'M1',
    text: 'A longer budget brings the student closer to its teacher on test images',
    source: 'our question',
    here: 'KL-only students smaller than their teacher, largest minus smallest budget',
    test: longer,
  },
]
