// Two qualities with every way to distil: the teacher sees more pixels than the student, or as many.
import { QUALITY_CLAIMS } from '../report/claimsQualities.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { count } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const QUALITIES = sweep(
  TRIKD_BASE,
  {
    name: 'teacher px',
    short: 'teacher-px',
    about: 'pixels that teachers see',
    value: count(),
    vary: (recipe, value) => ({ ...recipe, teacherSize: value as number }),
  },
  {
    name: 'qualities',
    about:
      'What is a second quality worth to each way to distil? KD, online KD and TriKD with teachers that see as many pixels\n' +
      'as the student, and more; supervised and DML beside them.',
    presets: presetsFrom<TrikdRecipe, Swept<TrikdRecipe>>(
      TRIKD_PRESETS,
      { methods: ['supervised', 'kd', 'dml', 'online', 'trikd'], temperatures: [4], generations: 1 },
      {
        smoke: { about: 'a minute, far too little training', change: { values: [7, 14] } },
        quick: { about: 'the default: 1,000 images, students of 7 pixels, 3 seeds', change: { values: [7, 14] } },
        standard: { about: '2,000 images, students of 14 pixels, 10 seeds', change: { values: [14, 28] } },
        paper: {
          about: 'CIFAR-100, students of 16 pixels, 240 epochs; needs a GPU',
          change: { sizes: [16], values: [16, 32] },
        },
      },
    ),
    claims: QUALITY_CLAIMS,
  },
)
