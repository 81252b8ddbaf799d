// Does the teacher's calibration decide the student's? Teachers divided by several τ, with their own ECE beside the
// student's; and whether one τ does for all image sizes.
import { CALIBRATION_STUDY_CLAIMS } from '../report/claimsTau.ts'
import { CQKD_BASE } from '../study/papers.ts'
import { LOOKS, PRESETS, type Recipe } from '../study/recipe.ts'
import { positive } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { presetsFrom } from './presets.ts'

export const CALIBRATION = sweep(
  CQKD_BASE,
  {
    name: 'τ',
    short: 'tau',
    about: "what the teacher's logits are divided by",
    value: positive,
    vary: (recipe, value) => ({ ...recipe, tau: value as number }),
  },
  {
    name: 'calibration',
    about:
      "Does the teacher's calibration decide the student's? CQKD from one teacher divided by several τ: its own ECE beside\n" +
      "the student's ECE and accuracy; one τ for all image sizes against one a size, chosen on images held out.",
    presets: presetsFrom<Recipe, Swept<Recipe>>(
      PRESETS,
      { methods: ['supervised', 'cqkd'], temperatures: [4], looks: LOOKS },
      {
        smoke: {
          about: 'a minute, far too little training',
          change: { values: [0.5, 2], looks: { heldOut: 256, test: 256, outputs: false } },
        },
        quick: {
          about: 'the default: Fashion-MNIST, 1,000 images, 14 and 7 pixels, five τ, 3 seeds',
          change: { values: [0.5, 1, 2, 3, 4], trainImages: 1000, seeds: [0, 1, 2] },
        },
        standard: {
          about: '10,000 images, 28, 14 and 7 pixels, ResNet-14 teacher, six τ, 5 seeds',
          change: { values: [0.5, 1, 1.5, 2, 3, 4] },
        },
        paper: {
          about: 'CIFAR-10 whole, ResNet-56 and ResNet-20; needs a GPU',
          of: 'cifar10',
          change: { values: [0.5, 1, 1.5, 2, 3, 4] },
        },
      },
    ),
    claims: CALIBRATION_STUDY_CLAIMS,
  },
)
