// Rows → tables as data, a line a method and temperature, a block an image size; `tableText.ts` writes them out.
import { type ClaimResult, SIDES } from './claim.ts'
import { type Column, mean, metric, middle, nats, percent1, percent2, type Table } from './columns.ts'
import { courseTable } from './courseTable.ts'
import { errorTable } from './errorTable.ts'
import { duration, estimateOf, fixed, intervalOf, MISSING, scaled, significant, thousands } from './format.ts'
import { generationTable } from './generationTable.ts'
import { type Group, groupRows, labelOf, seedsOf, teacherKey } from './groups.ts'
import { isPublished, NONE_ON_FILE, type PaperEntry, paperCell, papersTable } from './papers.ts'
import type { Results, Row, TeacherRow } from './rows.ts'
import { median } from './stats.ts'

const NAMES: Column[] = [
  { head: 'method', cell: labelOf },
  { head: 'T', cell: ({ temperature }) => (temperature === null ? '' : String(temperature)) },
  { head: 'n', cell: countOf },
]

const ACCURACY: Column[] = [
  metric('accuracy %', 'accuracy', percent2),
  metric('ECE %', 'ece', percent2),
  metric('entropy', 'entropy', nats),
]

const CALIBRATION: Column[] = [
  metric('gap %', 'signedGap', percent2),
  metric('NLL', 'nll', nats),
  mean('Brier', 'brier', nats),
  mean('top-5 %', 'top5', percent1),
  mean('train %', 'trainAccuracy', percent1),
]

/** Where we measure the calibration error, and where the authors of CQKD did. */
const LOGGED: Column[] = [
  metric('test, eval mode %', 'ece', percent2),
  metric('training batches, train mode %', 'trainBatchEce', percent2),
]

/** Of students: how near to the teacher; of all: how near to the anchor. */
const LIKENESS: Column[] = [
  metric('KL from T', 'klTeacher', nats),
  mean('train', 'klTeacherTrain', nats),
  mean('same %', 'agreeTeacher', percent1),
  mean('train', 'agreeTeacherTrain', percent1),
  mean('ECE % of T', 'teacherEce', percent1),
  metric('KL from A', 'klAnchor', nats),
  mean('train', 'klAnchorTrain', nats),
  mean('same %', 'agreeAnchor', percent1),
  mean('train', 'agreeAnchorTrain', percent1),
]

/** Where identities were verified that nothing was trained on. */
const VERIFICATION: Column[] = [
  metric('TAR % at 10 %', 'tar1e1', percent2),
  metric('at 1 %', 'tar1e2', percent2),
  metric('at 0.1 %', 'tar1e3', percent2),
  metric('AUC %', 'auc', percent2),
  metric('EER %', 'eer', percent2),
]

const COST: Column[] = [
  middle('training', 'seconds', duration),
  middle('teacher', 'teacherSeconds', duration),
  middle('images/s', 'imagesPerSecond', significant),
  middle('ms/picture', 'inferenceMs', significant),
  mean('FLOPs', 'forwardFlops', scaled),
]

/** Of a few steps that were timed apart from the training. */
const STEPS: Column[] = [
  middle('looked up', 'stepMs', significant),
  middle('teacher on full pictures', 'stepMsFull', significant),
  middle('teacher on small pictures', 'stepMsLow', significant),
]

/** Accuracy, ECE and entropy, with the paper's accuracy where it is on file; calibration; cost; the teachers. */
export function tables(results: Results, papers: PaperEntry[] = []): Table[] {
  const { run } = results
  const paper: Column = { head: 'paper', cell: (group) => paperCell(papers, run, group) }
  const of = (title: string, note: string, columns: Column[], rows = results.rows) => {
    return table(title, note, [...NAMES, ...columns], rows)
  }
  const published = isPublished(results, papers)
  const compared = results.rows.filter((row) => row.klTeacher !== undefined || row.klAnchor !== undefined)
  const timed = results.rows.filter((row) => row.stepMs !== undefined)
  const verified = results.rows.find((row) => row.auc !== undefined)
  return [
    ...(verified ? [of('Verification', verificationNote(verified), VERIFICATION)] : []),
    of(
      'Accuracy and calibration',
      `Whole test set${verified ? ' of the identities that were trained on' : ''}, last epoch; n is the number of seeds.${published ? '' : ` ${NONE_ON_FILE}`}`,
      published ? [...ACCURACY, paper] : ACCURACY,
    ),
    ...papersTable(results, papers),
    ...courseTable(results, of),
    of(
      'More about calibration',
      'Gap is mean confidence minus accuracy: above 0 is overconfident. Train is accuracy on the training images.',
      CALIBRATION,
    ),
    ...(results.rows.some((row) => row.trainBatchEce !== undefined)
      ? [
          of(
            'Calibration error by where it is measured',
            'ECE of 15 bins, measured in two places. Test, eval mode: on the whole test set after the last epoch; all claims about calibration use it. Training batches, train mode: on the batches of the last epoch as the network answered them while it learned from them, with batch statistics and augmentation if any; the published code of CQKD logs this one.',
            LOGGED,
          ),
        ]
      : []),
    ...(compared.length
      ? [
          of(
            'Likeness',
            'KL from teacher (T) and anchor (A) to the network in nats, and the share of equal answers, on test images; train: the same on training images.',
            LIKENESS,
            compared,
          ),
        ]
      : []),
    ...generationTable(results),
    ...errorTable(results.rows),
    of(
      'Cost',
      "Training: wall time of one cell, with whatever else ran on the machine; medians over seeds. Teacher: the time it took to train the network that this one learns from, not counting that one's own teacher or earlier generations. Images/s are those of training; ms/picture and FLOPs are of one picture's answer after training.",
      COST,
    ),
    ...(timed.length
      ? [
          of(
            'Milliseconds of a training step',
            "Of the first student that learns from the finished teacher, by what becomes of the teacher's answers: looked up, as in the training; computed in every step from the full pictures; from pictures of the student's size. Medians over seeds.",
            STEPS,
            timed,
          ),
        ]
      : []),
    ...(results.teachers.length ? [teacherCost(results.teachers), teacherTable(results.teachers)] : []),
  ]
}

function verificationNote({ samePairs = 0, differentPairs = 0 }: Row): string {
  return `Pairs of pictures of identities that no network was trained on, compared by the cosine of their embeddings: ${thousands(samePairs)} pairs of one identity and ${thousands(differentPairs)} of two, the same in all rows and seeds. TAR (true accept rate) at 1 %: the share of pairs of one identity that is accepted at the threshold which falsely accepts 1 % of the others; – where that is fewer than 10 pairs. AUC: area under the ROC curve; EER: equal error rate.`
}

function table(title: string, note: string, columns: Column[], rows: Row[]): Table {
  const groups = groupRows(rows)
  const varied = groups.some(({ axis }) => axis === 'images')
  const tellImages = !varied && new Set(groups.map((group) => group.images)).size > 1
  const tellRole = rows.some(({ role }) => role !== undefined)
  const block = (group: Group) => {
    const who = tellRole ? [group.role === 'teacher' ? 'teachers' : 'students'] : []
    return [...who, `${group.size} px`, ...(tellImages ? [`${group.images} images`] : [])].join(', ')
  }
  const keys = [...new Set(groups.map(block))]
  return {
    title,
    caption: note,
    head: columns.map(({ head }) => head),
    left: [0],
    blocks: keys.map((key) => ({
      title: key,
      rows: groups.filter((group) => block(group) === key).map((group) => columns.map(({ cell }) => cell(group))),
    })),
  }
}

const placeOf = ({ role, at }: TeacherRow) => {
  return [role === 'full' ? 'full size' : 'same size', ...(at === undefined ? [] : [at])].join(', ')
}

/** A line a teacher, the mean over seeds. */
function teacherCost(teachers: TeacherRow[]): Table {
  const sizes = [...new Set(teachers.map(({ size }) => size))]
  const lines = (size: number) => {
    const keys = [...new Set(teachers.filter((row) => row.size === size).map(teacherKey))]
    return keys.map((key) => {
      const own = teachers.filter((row) => teacherKey(row) === key)
      const typical = (take: (row: TeacherRow) => number | null, write: (x: number) => string) => {
        const known = own.map(take).filter((x) => x !== null)
        return known.length ? write(median(known)) : MISSING
      }
      const answer = [typical((t) => t.inferenceMs, significant), typical((t) => t.forwardFlops, scaled)]
      return [placeOf(own[0]), String(own.length), typical((t) => t.seconds, duration), ...answer]
    })
  }
  return {
    title: 'Cost of teachers',
    caption: "Training, and one picture's answer after it; medians over seeds.",
    head: ['teacher', 'n', 'training', 'ms/picture', 'FLOPs'],
    left: [0],
    blocks: sizes.map((size) => ({ title: `${size} px`, rows: lines(size) })),
  }
}

function teacherTable(teachers: TeacherRow[]): Table {
  const ends = teachers.some(({ epochs }) => epochs !== undefined)
  const looked = teachers.some(({ bestHeldOut }) => bestHeldOut !== undefined)
  const write = (x: number | null | undefined, how: (x: number) => string) =>
    x === null || x === undefined ? MISSING : how(x)
  const rows = teachers.map((t) => [
    placeOf(t),
    String(t.seed),
    write(t.accuracy, percent2),
    write(t.raw?.ece, percent2),
    write(t.tau, (x) => fixed(x, 3)),
    write(t.calibrated?.ece, percent2),
    write(t.raw?.nll, nats),
    write(t.calibrated?.nll, nats),
    write(t.seconds, duration),
    ...(ends ? [write(t.epochs, String)] : []),
    ...(looked ? [write(t.bestHeldOut, percent2), write(t.bestOnTest, percent2)] : []),
  ])
  const sizes = [...new Set(teachers.map(({ size }) => size))]
  const head = ['teacher', 'seed', 'acc. %', 'ECE % raw', 'τ', 'at τ', 'NLL raw', 'at τ', 'training']
  if (ends) head.push('epochs')
  if (looked) head.push('best held out %', 'best on test % (leaks)')
  return {
    title: 'Teachers',
    caption: `On the test set, before and after division of the logits by τ, which was fitted on held-out images.${
      looked ? ' Best epochs are those of the course of training, on the test images that were looked at.' : ''
    }`,
    head,
    left: [0],
    blocks: sizes.map((size) => ({ title: `${size} px`, rows: rows.filter((_, i) => teachers[i].size === size) })),
  }
}

/** The claims, a line each: the comparison that decides stands for the claim. */
export function claimTable(claims: ClaimResult[]): Table {
  return {
    title: 'Claims',
    caption: `A claim holds when the whole 95 % interval of a difference, taken seed by seed, ${SIDES}`,
    head: ['', 'claim', 'as tested here', 'verdict', 'statistic', 'estimate', '95 %', 'n'],
    left: [0, 1, 2, 3, 4],
    blocks: [
      {
        title: '',
        rows: claims.map(({ id, text, here = MISSING, verdict, reason, parts }) => {
          const deciding = parts.filter(({ decides }) => decides)
          const each = (write: (part: (typeof parts)[number]) => string) => deciding.map(write).join('; ')
          if (verdict === 'not tested') return [id, text, here, verdict, reason, MISSING, MISSING, MISSING]
          const statistic = each(({ statistic: what, rows, note }) => `${what}: ${rows}${note ? ` (${note})` : ''}`)
          return [id, text, here, verdict, statistic, each(estimateOf), each(intervalOf), String(deciding[0]?.n ?? 0)]
        }),
      },
    ],
  }
}

/** '3', or '2/3' where seeds are missing. */
function countOf({ rows }: Group): string {
  const { ok, bad } = seedsOf(rows)
  return bad.length ? `${ok.length}/${ok.length + bad.length}` : String(ok.length)
}

/** What did not finish, a line each. */
export function failures({ rows, teachers }: Results): string[] {
  const bad = rows.filter(({ status }) => status !== 'ok' && status !== 'saturated')
  return [
    ...bad.map((row) => {
      const where = [
        labelOf(row),
        row.temperature === null ? '' : `T = ${row.temperature}`,
        `${row.size} px`,
        `seed ${row.seed}`,
      ]
      return `${where.filter(Boolean).join(', ')}: ${row.status}${row.reason ? `, ${row.reason}` : ''}`
    }),
    ...teachers
      .filter(({ status }) => status !== 'ok')
      .map(
        ({ size, seed, status, reason }) =>
          `teacher, ${size} px, seed ${seed}: ${status}${reason ? `, ${reason}` : ''}`,
      ),
  ]
}
