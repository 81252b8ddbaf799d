// What the study of faces decides: who recognises identities best that nobody was trained on.
import type { Part } from './claim.ts'
import type { Cells, Claim, Question } from './compare.ts'
import type { Group } from './groups.ts'
import { atEnd, controlAtEnd, pick, versus } from './triplet.ts'

const HERE = "TAR at FAR 1 % of pairs of identities held out, TriKD's last generation"

const DECIDING: Omit<Question, 'rows'> = { statistic: 'TAR at FAR 1 %', measure: 'tar1e2', side: 'above' }
const MORE: Omit<Question, 'rows'>[] = [
  { statistic: 'TAR at FAR 10 %', measure: 'tar1e1', side: 'above', decides: false },
  { statistic: 'TAR at FAR 0.1 %', measure: 'tar1e3', side: 'above', decides: false },
  { statistic: 'area under the ROC', measure: 'auc', side: 'above', decides: false },
  { statistic: 'equal error rate', measure: 'eer', side: 'below', decides: false },
]

function parts(ours: Group[], theirs: Group[], note = ''): Part[] | string {
  if (ours.length === 0 || theirs.length === 0) return 'no such rows'
  return [DECIDING, ...MORE].map((question) => versus(ours, theirs, question, note))
}

/** Students of the last generation. */
const trikd = ({ groups }: Cells) => atEnd(groups, { method: 'trikd' })

export const FACES_CLAIMS: Claim[] = [
  {
    id: 'F1',
    text: 'TriKD recognises unseen identities better than KD from a finished teacher',
    source: "paper, its experiments on faces; here on this study's identities",
    here: HERE,
    test: (cells) => parts(trikd(cells), pick(cells.groups, { method: 'kd' })),
  },
  {
    id: 'F2',
    text: 'TriKD recognises unseen identities better than training with labels only',
    source: "paper, its experiments on faces; here on this study's identities",
    here: HERE,
    test: (cells) => parts(trikd(cells), pick(cells.groups, { method: 'supervised' })),
  },
  {
    id: 'F3',
    text: 'The anchor helps to recognise unseen identities: TriKD is better than online KD',
    source: 'our question',
    here: HERE,
    test(cells) {
      const { groups, note } = controlAtEnd(cells.groups)
      return parts(trikd(cells), groups, note)
    },
  },
  {
    id: 'F4',
    text: 'The anchored teacher recognises unseen identities better than its student',
    source: 'our question',
    here: HERE,
    test(cells) {
      const teachers = atEnd(cells.groups, { method: 'trikd', role: 'teacher' })
      const told = parts(teachers, trikd(cells))
      return typeof told === 'string' ? told : told.map((part) => ({ ...part, rows: 'TriKD, teacher minus student' }))
    },
  },
]
