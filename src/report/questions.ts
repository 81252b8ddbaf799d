// The questions that the papers, their reviews and their readers ask, and which claims of which study answer them: from
// finished results to one page of Markdown.
import { datasetName } from './caption.ts'
import type { ClaimResult, Part } from './claim.ts'
import { capital, estimateOf, intervalOf } from './format.ts'
import { seedsOf } from './groups.ts'
import type { Results } from './rows.ts'
import { studyTitle } from './titles.ts'

interface Question {
  asked: string
  by: string
  /** Studies and their claims, the most telling first. */
  answers: [study: string, claims: string[]][]
  /** A figure of the first study on file. */
  figure?: string
}

export const QUESTIONS: Question[] = [
  {
    asked: 'Does CQKD beat supervised learning and deep mutual learning?',
    by: 'abstract and reviews of CQKD',
    answers: [['cqkd', ['C1', 'C2', 'C2b']]],
    figure: 'accuracy-by-size',
  },
  {
    asked: "Does the teacher's calibration decide the student's?",
    by: 'the title of the CQKD paper',
    answers: [
      ['calibration', ['T1', 'T2']],
      ['cqkd', ['C0', 'C0b']],
      ['rivals', ['R1', 'R2']],
    ],
    figure: 'ece-by-tau-14',
  },
  {
    asked: 'What does temperature do?',
    by: 'abstract of CQKD',
    answers: [['cqkd', ['C3', 'C4', 'C5']]],
    figure: 'ece-by-temperature-14',
  },
  {
    asked: 'Does the calibration error that the published code logs tell that of the test set?',
    by: 'a reader of the code of CQKD: it logs training batches in train mode',
    answers: [['calibration', ['T4']]],
  },
  { asked: 'Must T or τ be chosen for every image size?', by: 'our question', answers: [['calibration', ['T3']]] },
  {
    asked: 'Why compare CQKD with CMKD?',
    by: 'a reader',
    answers: [['cmkd', ['Q1', 'Q1b', 'Q1c']]],
    figure: 'accuracy-by-view',
  },
  {
    asked: 'Does low resolution make networks overconfident, and is that lost information?',
    by: 'reviews of CQKD',
    answers: [
      ['lost-information', ['C6c', 'C6', 'C6b', 'C6d']],
      ['cqkd', ['C6', 'C6b', 'C6c']],
    ],
    figure: 'ece-by-accuracy',
  },
  { asked: 'Does the gain grow with image size?', by: 'a review of CQKD', answers: [['cqkd', ['C7b', 'C7']]] },
  { asked: 'What does it cost?', by: 'reviews of CQKD', answers: [['cqkd', ['C8', 'C9']]] },
  {
    asked: 'Does distillation generalise better, and help against overfitting?',
    by: 'a reader of CQKD; the TriKD paper',
    answers: [
      ['cqkd', ['C10']],
      ['few-data', ['K8', 'K8b']],
      ['trikd', ['K8']],
    ],
    figure: 'accuracy-by-images-7',
  },
  {
    asked: 'Does TriKD beat other ways to distil?',
    by: 'the TriKD paper',
    answers: [
      ['rivals', ['K1']],
      ['trikd', ['K1']],
    ],
    figure: 'accuracy-of-students',
  },
  {
    asked: "Is the anchor's distillation alone not enough?",
    by: 'a reader of TriKD',
    answers: [
      ['ablation', ['K2']],
      ['trikd', ['K2']],
    ],
    figure: 'accuracy-of-students',
  },
  {
    asked: 'What is a generation, and how many help?',
    by: 'readers of TriKD. A generation is one whole training of teacher and student from new random weights; the student of one is the frozen anchor of the next, and generation 0 has none',
    answers: [
      ['anchors', ['K3', 'A1']],
      ['trikd', ['K3']],
    ],
    figure: 'generations-student',
  },
  { asked: 'May the anchor be trained with labels only?', by: 'the TriKD paper', answers: [['anchors', ['K4']]] },
  {
    asked: 'What if the constraint is too strong?',
    by: 'a reader of TriKD',
    answers: [['weights', ['W1', 'W2', 'W3']]],
    figure: 'teacher-by-w-7',
  },
  {
    asked: 'Does a larger, better teacher make a worse student?',
    by: 'ESKD, SCKD, TAKD and the TriKD paper',
    answers: [['teachers', ['K5', 'K5b', 'K5c']]],
    figure: 'accuracy-by-teacher',
  },
  {
    asked: 'Can a teacher be both good and easy to follow?',
    by: 'the question that the TriKD paper starts from',
    answers: [
      ['teachers', ['K10', 'K6']],
      ['trikd', ['K10', 'K6', 'K7']],
    ],
    figure: 'good-and-easy',
  },
  {
    asked: 'Is optimisation the main obstacle of distillation?',
    by: "the TriKD paper, citing 'Does Knowledge Distillation Really Work?'",
    answers: [['mimicry', ['K11', 'M1', 'K7']]],
    figure: 'teacher-kl-by-budget',
  },
  {
    asked: 'Does the triplet lower the risk that a student can reach?',
    by: 'the TriKD paper',
    answers: [['few-data', ['K9']]],
  },
  {
    asked: 'Do early stopping, assistants and anchors help because they calibrate the teacher?',
    by: 'our question, stated beforehand',
    answers: [['rivals', ['R3', 'R4', 'R5']]],
    figure: 'ece-of-teachers',
  },
  {
    asked: 'What is a second quality worth to online KD and TriKD?',
    by: 'our question',
    answers: [['qualities', ['QA', 'QB']]],
  },
  {
    asked: 'Do the gains carry over to faces?',
    by: 'the TriKD paper, which recognises faces too',
    answers: [['faces', ['F1', 'F2', 'F3', 'F4']]],
    figure: 'roc-students-10',
  },
]

/** A study's results and where they lie, seen from the page; which figures it has. */
export interface Source {
  results: Results
  folder: string
  figures: string[]
}

/** docs/questions.md, whole. */
export function questionsPage(sources: Source[]): string {
  const sections = QUESTIONS.map((question) => {
    const answers = question.answers.flatMap(([study, claims]) =>
      sources
        .filter(({ results }) => (results.run.paper ?? 'cqkd') === study)
        .flatMap((source) => answer(source, claims)),
    )
    const [first] = question.answers.flatMap(([study]) =>
      sources.filter(({ results }) => (results.run.paper ?? 'cqkd') === study),
    )
    const { figure } = question
    const shown = first && figure && first.figures.includes(figure)
    return [
      `## ${question.asked}`,
      `Asked by: ${question.by}.`,
      answers.length ? answers.join('\n') : '- No results on file.',
      ...(shown ? [`![${question.asked}](${first.folder}/figures/${encodeURIComponent(figure)}.svg)`] : []),
    ].join('\n\n')
  })
  return `# Questions

Written by \`npx webgpu-distill questions\` from the results below; do not edit. Each answer is a comparison paired by seed with
its 95 % interval, not corrected for their number, at the scale of small networks and little data: what the papers claim of
theirs it cannot decide. One seed has a direction and no verdict.

${sections.join('\n\n')}

## From

${sources.map(listed).join('\n')}
`
}

function listed({ results: { run, rows }, folder }: Source): string {
  const seeds = seedsOf(rows).ok.length
  return `- ${studyTitle(run.paper)}: [table](${folder}/table.md), ${datasetName(run.dataset)}, preset ${run.preset}, ${seeds} seeds, ${run.adapter}, commit ${(run.commit ?? run.version).slice(0, 7)}, \`${run.command}\``
}

function answer({ results, folder }: Source, ids: string[]): string[] {
  const { run, claims } = results
  return ids.flatMap((id) => {
    const claim = claims.find((each) => each.id === id)
    if (!claim) return []
    const where = `([${id}](${folder}/table.md), ${datasetName(run.dataset)})`
    return [`- **${verdictOf(claim)}**: ${claim.text}. ${evidence(claim)} ${where}`]
  })
}

function verdictOf({ verdict }: ClaimResult): string {
  return capital(verdict)
}

function evidence({ verdict, reason, parts }: ClaimResult): string {
  if (verdict === 'not tested') return `${capital(reason)}.`
  const deciding = parts.filter(({ decides }) => decides)
  // All that decide are told: to pick one of many rivals would be a choice.
  return `${capital(deciding.map(told).join('; '))}.`
}

function told(part: Part): string {
  const { statistic, rows, n, direction, verdict } = part
  const interval = verdict === 'one seed, no verdict' ? (direction ?? '') : intervalOf(part)
  return `${statistic}, ${rows}: ${estimateOf(part)} ${interval}, n = ${n}${part.note ? ` (${part.note})` : ''}`
}
