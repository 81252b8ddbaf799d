// Does the triplet help where images are few (K8, K9)? Every method at several numbers of training images; the test
// error against that number, fitted by e + c n^-α.
import { FEW_DATA_CLAIMS } from '../report/claimsStudies.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { count } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const FEW_DATA = sweep(
  TRIKD_BASE,
  {
    name: 'images',
    about: 'training images',
    value: count(),
    vary: (recipe, value) => ({ ...recipe, trainImages: value as number }),
  },
  {
    name: 'few-data',
    about:
      'Does the triplet help where images are few? Supervised, KD, online KD and TriKD at several numbers of training\n' +
      'images: accuracy, overfitting, calibration, and error curves e + c n^-α.',
    presets: presetsFrom<TrikdRecipe, Swept<TrikdRecipe>>(
      TRIKD_PRESETS,
      { methods: ['supervised', 'kd', 'online', 'trikd'], temperatures: [4], generations: 1 },
      {
        smoke: {
          about: 'under a minute, two numbers of images, far too little training',
          change: { values: [128, 256] },
        },
        quick: {
          about: 'the default: 7 pixels, 250 to 2,000 images, 3 seeds',
          change: { values: [250, 500, 1000, 2000] },
        },
        standard: {
          about: '14 pixels, 250 to 4,000 images, 10 seeds',
          change: { values: [250, 500, 1000, 2000, 4000] },
        },
        paper: {
          about: 'CIFAR-100, 2,500 to 45,000 images, 240 epochs; needs a GPU',
          // 5,000 are held out.
          change: { values: [2500, 5000, 10000, 25000, 45000] },
        },
      },
    ),
    claims: FEW_DATA_CLAIMS,
  },
)
