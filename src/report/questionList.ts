// The questions that the papers, their reviews and their readers ask, and which claims answer each.
import { lastGeneration } from './generationTable.ts'
import type { Results, Run } from './rows.ts'
import { studyOf } from './titles.ts'

export interface Question {
  asked: string
  by: string
  /** What one has to know to understand it. */
  told?: string
  /** Claims whose verdicts are the answer. */
  decided: string[]
  /** Claims that stand beside them. */
  beside?: string[]
  /** Which runs answer it, where their settings are not those of a preset: these answer no other. */
  only?: { has(run: Run): boolean; why: string; found(results: Results): string }
  /** Figures of that study; where it has one for each image size, all of these. */
  figure?: [study: string, ...names: string[]]
}

export const QUESTIONS: Question[] = [
  {
    asked: 'Does CQKD beat supervised learning and deep mutual learning?',
    by: 'abstract and reviews of CQKD',
    told: 'At the largest size of a table the student sees what its teacher sees: there CQKD is plain KD, and means over sizes have it in them.',
    decided: ['C1', 'C2'],
    beside: ['C2b'],
    figure: ['cqkd', 'accuracy-by-size'],
  },
  {
    asked: "Does it take a teacher of full resolution, or does one of the student's own do?",
    by: 'us; the paper has no such control',
    decided: ['C1b', 'C1c'],
    beside: ['Q1'],
    figure: ['cmkd', 'accuracy-by-view'],
  },
  {
    asked: "Does the teacher's calibration decide the student's?",
    by: 'the title of the CQKD paper',
    decided: ['T1', 'C0', 'R1'],
    beside: ['T2', 'C0b', 'R2'],
    figure: ['calibration', 'ece-by-teacher-ece', 'accuracy-by-teacher-ece'],
  },
  {
    asked: 'What does temperature do?',
    by: 'abstract of CQKD',
    decided: ['C3', 'C4', 'C5'],
    figure: ['cqkd', 'ece-by-temperature'],
  },
  {
    asked: 'Does the calibration error that the published code logs tell that of the test set?',
    by: 'a reader of the code of CQKD: it logs training batches in train mode',
    decided: ['T4'],
    figure: ['calibration', 'ece-by-tau'],
  },
  {
    asked: 'Must T or τ be chosen for every image size?',
    by: 'us',
    decided: ['T3'],
    figure: ['calibration', 'ece-by-tau'],
  },
  {
    asked: 'Why compare CQKD with CMKD?',
    by: 'a reader',
    told: 'CQKD is cross-modal distillation with one modality in two qualities; both were run here.',
    decided: ['Q1', 'Q1b', 'Q1c'],
    figure: ['cmkd', 'accuracy-by-view'],
  },
  {
    asked: 'Does low resolution make networks overconfident, and is that lost information?',
    by: 'reviews of CQKD',
    decided: ['C6', 'C6b', 'C6c'],
    beside: ['C6d'],
    figure: ['lost-information', 'ece-by-accuracy'],
  },
  {
    asked: 'Does the gain grow with image size?',
    by: 'a review of CQKD',
    decided: ['C7b'],
    beside: ['C7'],
    figure: ['cqkd', 'accuracy-by-size'],
  },
  {
    asked: 'What does it cost?',
    by: 'reviews of CQKD',
    decided: ['C8', 'C9'],
    figure: ['cqkd', 'seconds-by-size'],
  },
  {
    asked: 'Does distillation generalise better, and help against overfitting?',
    by: 'a reader of CQKD; the TriKD paper',
    decided: ['C10', 'K8'],
    beside: ['K8b'],
    figure: ['few-data', 'train-by-images', 'accuracy-by-images'],
  },
  {
    asked: 'Does TriKD beat other ways to distil?',
    by: 'the TriKD paper',
    decided: ['K1'],
    figure: ['rivals', 'accuracy-of-students'],
  },
  {
    asked: "Is the anchor's distillation alone not enough?",
    by: 'a reader of TriKD',
    decided: ['K2'],
    figure: ['ablation', 'accuracy-of-students'],
  },
  {
    asked: 'What is a generation, and how many help?',
    by: 'readers of TriKD',
    told: 'A generation is one whole training of teacher and student from new random weights; the student of one is the frozen anchor of the next, and generation 0 has none.',
    decided: ['K3'],
    beside: ['A1'],
    figure: ['anchors', 'generations-student'],
  },
  {
    asked: 'How many generations does it take until they saturate?',
    by: 'readers of TriKD. Here a seed ends with the first generation whose student has no lower NLL on images held out than the best before',
    decided: ['K3'],
    only: {
      has: (run) => studyOf(run) === 'trikd' && typeof run.config.saturation === 'number',
      why: 'Needs `npx webgpu-distill trikd --methods online,trikd,control --generations 8 --saturation 1`.',
      found: lastGeneration,
    },
    figure: ['trikd', 'generations-student'],
  },
  {
    asked: 'May the anchor be trained with labels only?',
    by: 'the TriKD paper',
    decided: ['K4'],
    figure: ['anchors', 'generations-student'],
  },
  {
    asked: 'What if the constraint is too strong?',
    by: 'a reader of TriKD',
    decided: ['W1'],
    beside: ['W2', 'W3'],
    figure: ['weights', 'teacher-by-w'],
  },
  {
    asked: 'Does a larger, better teacher make a worse student?',
    by: 'ESKD, SCKD, TAKD and the TriKD paper',
    decided: ['K5'],
    beside: ['K5b', 'K5c'],
    figure: ['teachers', 'accuracy-by-teacher'],
  },
  {
    asked: 'Does TriKD beat TAKD from the same large teacher?',
    by: 'the two papers read together: TAKD bridges the gap in capacity, TriKD changes what the teacher expresses',
    decided: ['K1b'],
    figure: ['teachers', 'accuracy-by-teacher'],
  },
  {
    asked: 'Can a teacher be both good and easy to follow?',
    by: 'the question that the TriKD paper starts from',
    decided: ['K10'],
    beside: ['K6'],
    figure: ['teachers', 'good-and-easy'],
  },
  {
    asked: 'Is the anchored teacher easier to mimic, and do teacher and student grow alike?',
    by: 'the TriKD paper',
    decided: ['K7', 'K7b'],
    figure: ['mimicry', 'teacher-and-student', 'function-map'],
  },
  {
    asked: 'Is optimisation the main obstacle of distillation?',
    by: "the TriKD paper, citing 'Does Knowledge Distillation Really Work?'",
    decided: ['K11'],
    beside: ['M1'],
    figure: ['mimicry', 'teacher-kl-by-budget'],
  },
  {
    asked: 'Does the triplet lower the risk that a student can reach?',
    by: 'the TriKD paper',
    decided: ['K9'],
    figure: ['few-data', 'error-curves'],
  },
  {
    asked: 'Do early stopping, assistants and anchors help because they calibrate the teacher?',
    by: 'us, stated beforehand',
    decided: ['R3', 'R4', 'R5'],
    figure: ['rivals', 'ece-of-teachers'],
  },
  {
    asked: 'What is a second quality worth to online KD and TriKD?',
    by: 'us',
    decided: ['QA'],
    beside: ['QB'],
    figure: ['qualities', 'accuracy-by-teacher-px'],
  },
  {
    asked: 'Do the gains carry over to faces?',
    by: 'the TriKD paper, which recognises faces too',
    decided: ['F1', 'F2', 'F3'],
    beside: ['F4'],
    figure: ['faces', 'roc-students'],
  },
]

/** What no study with its default settings answers; listed until results of the settings it needs are on file. */
export const UNANSWERED: { asked: string; why: string; answeredBy(run: Run): boolean }[] = [
  {
    asked: "What do the papers' own networks and data give?",
    why: 'The preset `paper` of a study needs GPUs for days to weeks and has never been run whole.',
    answeredBy: ({ preset }) => preset === 'paper',
  },
  {
    asked: 'Do the gains on faces hold for photographs?',
    why: 'The identities on file are made up; `npx webgpu-distill faces --dataset imagefolder --data DIR` takes yours.',
    answeredBy: (run) => studyOf(run) === 'faces' && run.dataset !== 'identities',
  },
  {
    asked: "Are our numbers those of the papers' tables?",
    why: 'Their tables are not on file. Who has them fills in the form of bench/papers.json: `--paper-values FILE`.',
    answeredBy: () => false,
  },
]
