// Questions that a study answers with one setting changed: what the change does to the accuracy of a method, paired by
// seed with the run without it, and what then becomes of a claim.
import type { Part } from './claim.ts'
import { compare } from './compare.ts'
import { differences } from './differences.ts'
import { groupRows } from './groups.ts'
import type { Results, Run } from './rows.ts'
import { spanOf, students } from './select.ts'
import { studyOf } from './titles.ts'

export interface SettingQuestion {
  asked: string
  by: string
  /** What it takes to answer it, told until there are such results. */
  why: string
  has(run: Run): boolean
  /** Its name in a recipe. */
  setting: string
  /** What the run has with the setting, and without. */
  named: [to: string, from: string]
  /** Whose accuracy is compared, and from which kind of teacher. */
  method: { name: string; teacher?: 'calibrated'; called: string }
  claim: string
}

export const SETTINGS: SettingQuestion[] = [
  {
    asked:
      'Does DML fall behind CQKD only because the published code leaves its batch norm frozen after an evaluation?',
    by: 'us, from the code of CQKD: its evaluation leaves the students of DML in eval mode',
    why: 'Needs `npx webgpu-distill cqkd --bn-after-eval freeze` beside the same without that flag.',
    has: (run) => studyOf(run) === 'cqkd' && run.config.bnAfterEval === 'freeze',
    setting: 'bnAfterEval',
    named: ['batch norm frozen', 'batch norm in train mode'],
    method: { name: 'dml', called: 'DML' },
    claim: 'C2',
  },
  {
    asked: 'What if the teacher sees low resolution while it teaches, as in the published loop?',
    by: 'us, from the code of CQKD: it makes the batch smaller before both forward passes',
    why: 'Needs `npx webgpu-distill cqkd --teacher-input low` beside the same without that flag.',
    has: (run) => studyOf(run) === 'cqkd' && run.config.teacherInput === 'low',
    setting: 'teacherInput',
    named: ['a teacher that sees low resolution', 'one that sees full resolution'],
    method: { name: 'cqkd', teacher: 'calibrated', called: 'CQKD, calibrated teacher' },
    claim: 'C1',
  },
]

/** Results with the setting, those without, and the accuracy of the one minus that of the other. */
export interface Contrast<Source> {
  to: Source
  from: Source
  part: Part
}

/** What may differ beside the setting: which cells there are, and what only looks at them. */
const FREE = ['seeds', 'methods', 'looks']

/**
 * The run without the setting must have the same pictures and kernels, and all other settings, else a seed stands for
 * two things: null where there is none.
 */
export function contrastOf<Source extends { results: Results }>(
  { method, named, setting }: SettingQuestion,
  to: Source,
  plain: Source[],
): Contrast<Source> | null {
  const alike = (a: Run, b: Run) => {
    const same = (['preset', 'dataset', 'dataHash', 'fingerprint', 'adapter'] as const).every(
      (key) => a[key] === b[key],
    )
    const other = differences(a.config, b.config).map(({ path }) => path.split('.')[0])
    return same && studyOf(a) === studyOf(b) && other.every((key) => key === setting || FREE.includes(key))
  }
  const from = plain.find(({ results }) => alike(results.run, to.results.run))
  if (!from) return null
  const [a, b] = [to, from].map(({ results }) => {
    return students({ groups: groupRows(results.rows) }, method.name, method.teacher)
  })
  const statistic = `accuracy, ${method.called}, ${named[0]} minus ${named[1]}`
  return { to, from, part: compare(a, b, { rows: spanOf(a), statistic, measure: 'accuracy', side: 'above' }) }
}
