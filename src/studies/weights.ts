// How strong may the anchor be? TriKD's first generation with w2 = w4 = w: 0 is online KD from the same weights.
import { WEIGHT_CLAIMS } from '../report/claimsStudies.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { from0 } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const WEIGHTS = sweep(
  TRIKD_BASE,
  {
    name: 'w',
    about: "of the anchor's two terms, w2 = w4",
    value: from0,
    vary(recipe, value) {
      const w = value as number
      return { ...recipe, weights: { ...recipe.weights, anchorToStudent: w, anchorToTeacher: w } }
    },
  },
  {
    name: 'weights',
    about:
      "How strong may the anchor be? TriKD's first generation at several weights w of KL(A ‖ S) and KL(A ‖ T): accuracy\n" +
      'of teacher and student, and how far they stay from the anchor.',
    presets: presetsFrom<TrikdRecipe, Swept<TrikdRecipe>>(
      TRIKD_PRESETS,
      { methods: ['supervised', 'trikd'], generations: 1 },
      {
        smoke: { about: 'under a minute, two weights, far too little training', change: { values: [0, 1] } },
        quick: {
          about: 'the default: 1,000 images of 7 pixels, five weights, 3 seeds',
          change: { values: [0, 0.25, 1, 4, 8] },
        },
        standard: {
          about: '2,000 images of 14 pixels, seven weights, 10 seeds',
          change: { values: [0, 0.25, 0.5, 1, 2, 4, 8] },
        },
        paper: {
          about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 epochs; needs a GPU',
          change: { values: [0, 0.25, 0.5, 1, 2, 4, 8] },
        },
      },
    ),
    claims: WEIGHT_CLAIMS,
  },
)
