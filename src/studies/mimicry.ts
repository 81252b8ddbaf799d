// Can a student follow its teacher at all (K7, K11)? Students that learn from the teacher alone, of its own kind and
// smaller, at one and ten budgets; and where online KD and TriKD go in the space of functions, epoch by epoch.
import { MIMICRY_CLAIMS } from '../report/claimsMimicry.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { count } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { TRIKD_PRESETS, type TrikdMethod, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const MIMICRY = sweep(
  TRIKD_BASE,
  {
    name: 'budget',
    about: 'of the students that see no labels, in epochs of the recipe',
    value: count(),
    only: ['mimic', 'mimicSame'],
    vary(recipe, value) {
      const longer = { ...recipe, epochs: recipe.epochs * (value as number), taughtEpochs: recipe.epochs }
      return value === 1 ? longer : { ...longer, methods: ['mimic'] satisfies TrikdMethod[] }
    },
  },
  {
    name: 'mimicry',
    about:
      "Can a student follow its teacher at all? Students that learn from the teacher alone, of the teacher's own kind and\n" +
      'smaller, at one and ten budgets; and a map of where online KD and TriKD go, epoch by epoch.',
    presets: presetsFrom<TrikdRecipe, Swept<TrikdRecipe>>(
      TRIKD_PRESETS,
      {
        methods: ['supervised', 'kd', 'online', 'control', 'trikd', 'mimic'],
        temperatures: [1],
        generations: 1,
        values: [1, 10],
        looks: { heldOut: 500, test: 500, outputs: true },
      },
      {
        smoke: {
          about: 'a minute, far too little training',
          change: { values: [1, 2], looks: { heldOut: 256, test: 128, outputs: true } },
        },
        quick: { about: 'the default: 1,000 images of 7 pixels, 300 and 3,000 steps, 3 seeds', change: {} },
        standard: { about: '2,000 images of 14 pixels, 10 seeds', change: {} },
        paper: { about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 and 2,400 epochs; needs a GPU', change: {} },
      },
    ),
    claims: MIMICRY_CLAIMS,
  },
)
