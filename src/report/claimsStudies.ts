// The claims and questions that the studies of weights and of few data decide.
import type { Part } from './claim.ts'
import { FEWER_IMAGES, fewImagesRaiseEce } from './claimsLost.ts'
import { type Cells, type Claim, compare, judged } from './compare.ts'
import { curvesOf } from './errorTable.ts'
import { endsOfGap, GAPS, madeOf } from './gaps.ts'
import { type Group, methodName } from './groups.ts'
import { listOf } from './select.ts'
import { paired } from './stats.ts'
import { ACCURACY, noted, pick, type Which } from './triplet.ts'
import { having, numbersIn } from './varied.ts'

/** Each weight against none, the largest first: it decides. */
function againstNone(which: Which, question: Omit<Parameters<typeof compare>[2], 'rows'>): Claim['test'] {
  return ({ all }: Cells) => {
    const groups = pick(all, which)
    const [none, ...weights] = numbersIn(groups)
    if (none !== 0 || weights.length === 0) return 'no rows with and without the anchor'
    return weights.reverse().map((w, i) => {
      const rows = `${which.role ?? 'student'}, w = ${w} minus w = 0`
      return compare(having(groups, w), having(groups, 0), { rows, ...question, decides: i === 0 })
    })
  }
}

const first = { method: 'trikd', generation: 1 }
const largestWeight: Claim['here'] = ({ all }) => {
  return `first generation, w2 = w4 = ${numbersIn(pick(all, first)).pop()} against none, from the same weights`
}

export const WEIGHT_CLAIMS: Claim[] = [
  {
    id: 'W1',
    text: 'Too strong a constraint caps the teacher: with the largest weight it is less accurate than without the anchor',
    source: 'paper, on the weights as hyperparameters',
    here: largestWeight,
    test: againstNone({ ...first, role: 'teacher' }, { statistic: "teacher's accuracy", ...ACCURACY, side: 'below' }),
  },
  {
    id: 'W2',
    text: 'The anchor holds the student near it: with the largest weight the KL is smaller than without',
    source: 'paper, the idea of the anchor',
    here: largestWeight,
    test: againstNone(first, {
      statistic: 'KL from A to S on test images',
      measure: 'klAnchor',
      unit: 'nats',
      side: 'below',
    }),
  },
  {
    id: 'W3',
    text: "The anchor's constraint makes the student more accurate",
    source: 'paper, the idea of the anchor',
    here: 'first generation, w2 = w4 = 1 against none, from the same weights',
    test: ({ all }) => {
      const groups = pick(all, first)
      const [none, ...weights] = numbersIn(groups)
      if (none !== 0 || !weights.includes(1)) return 'no rows at w = 1 and without the anchor'
      const part = (w: number): Part => {
        const question = { rows: `student, w = ${w} minus w = 0`, statistic: 'accuracy', ...ACCURACY, decides: w === 1 }
        return compare(having(groups, w), having(groups, 0), question)
      }
      return [part(1), ...weights.filter((w) => w !== 1).map(part)]
    },
  },
]

/**
 * TriKD minus each other method at every number of images, the mean over these first. Against the first methods decides
 * that mean, or the smallest number. `ends`: of a gap of accuracy, what it is made of, too.
 */
function atEveryNumber(
  others: Which[],
  question: Omit<Parameters<typeof compare>[2], 'rows'>,
  { deciding, by, ends }: { deciding: number; by: 'mean' | 'fewest'; ends?: true },
): Claim['test'] {
  return ({ all }) => {
    const ours = pick(all, first)
    const numbers = numbersIn(ours)
    if (numbers.length < 2) return 'fewer than two numbers of training images'
    return others.flatMap((other, i) => {
      const theirs = pick(all, other)
      if (theirs.length === 0) return []
      const name = `TriKD minus ${methodName(other.method ?? '')}`
      const rows = `${name}, mean over ${numbers.join(', ')} images`
      const decides = (which: typeof by) => i < deciding && which === by
      const each = numbers.map((n) => {
        return compare(having(ours, n), having(theirs, n), {
          ...question,
          rows: `${name}, ${n} images`,
          decides: n === numbers[0] && decides('fewest'),
        })
      })
      const whole = compare(ours, theirs, { ...question, rows, decides: decides('mean') })
      if (!ends) return [whole, ...each]
      const made = endsOfGap(ours, theirs, rows)
      return [noted(whole, madeOf(made)), ...made, ...each]
    })
  }
}

/** e of the curve that is fitted to a seed's errors. */
const leftOver = (groups: Group[]) => new Map(curvesOf(groups).map(({ seed, e }) => [seed, e]))

/** Of each the student's risk has to be above TriKD's: what any teacher gives is not the triplet's. */
const RISKS = ['supervised', 'kd', 'online']

function reachableRisk({ all }: Cells): Part[] | string {
  const ours = pick(all, first)
  const numbers = numbersIn(ours)
  if (numbers.length < 3) return 'fewer than three numbers of training images'
  const most = numbers[numbers.length - 1]
  return RISKS.flatMap((method) => {
    const theirs = pick(all, { method })
    if (theirs.length === 0) return []
    const rows = `TriKD minus ${methodName(method)}`
    const largest = compare(having(ours, most), having(theirs, most), {
      rows: `${rows}, ${most} images`,
      statistic: 'accuracy',
      ...ACCURACY,
    })
    const fitted = judged(paired(leftOver(ours), leftOver(theirs)), {
      rows,
      statistic: 'error that is left, e of e + c n^-α, a fit a seed',
      side: 'below',
      decides: false,
    })
    return [largest, fitted]
  })
}

const OTHERS: Which[] = [{ method: 'supervised' }, { method: 'online' }, { method: 'kd' }]

export const FEW_DATA_CLAIMS: Claim[] = [
  {
    id: 'K8',
    text: 'TriKD helps against overfitting',
    source: 'paper; here beside online KD, too, which has no anchor',
    here: 'first generation minus supervised and minus online KD, other weights: gap of accuracy, mean over images',
    test: atEveryNumber(OTHERS, { ...GAPS[0], side: 'below' }, { deciding: 2, by: 'mean', ends: true }),
  },
  {
    id: 'K8b',
    text: 'TriKD is better calibrated where images are few',
    source: 'our question',
    here: 'first generation minus supervised, other weights, at the fewest images',
    test: atEveryNumber(OTHERS, { statistic: 'ECE', measure: 'ece', side: 'below' }, { deciding: 1, by: 'fewest' }),
  },
  {
    id: 'K9',
    text: 'The triplet lowers the expected risk that the student can reach',
    source:
      'paper; here at the largest number of images, and as the error that a fitted curve leaves; supervised alone decided until results were seen',
    here: ({ all }) => {
      const methods = RISKS.filter((method) => pick(all, { method }).length > 0).map(methodName)
      const images = numbersIn(pick(all, first)).pop()
      return `first generation minus each of ${listOf(methods)}, other weights, at ${images} images`
    },
    test: reachableRisk,
  },
  {
    ...FEWER_IMAGES,
    here: 'supervised, fewest minus most images, as many epochs, so that fewer images are less training, too',
    test: fewImagesRaiseEce,
  },
]
