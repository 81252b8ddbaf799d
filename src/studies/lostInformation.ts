// Do small pictures raise the calibration error because information is lost (C6c)? Supervised students of several sizes
// at several numbers of training images: a small size against the full one with as many fewer images as give the same
// accuracy. All take as many updates, so that fewer images are not also less training.
import { LOST_INFORMATION_CLAIMS } from '../report/claimsLost.ts'
import { CQKD_BASE } from '../study/papers.ts'
import { need, PRESETS, type Recipe } from '../study/recipe.ts'
import { count } from '../study/schema.ts'
import { type Swept, sweep } from '../study/sweep.ts'
import { presetsFrom } from './presets.ts'

/** So many images, for as many updates as the recipe's epochs of its own number of images take. */
function withImages(recipe: Recipe, images: number): Recipe {
  const { trainImages, batch, epochs } = recipe
  const updates = (n: number) => Math.max(1, Math.floor(n / batch))
  need(trainImages !== null, 'train-images', 'all', 'a number: it tells how many updates every cell takes')
  const rounds = Math.round((epochs * updates(trainImages!)) / updates(images))
  need(rounds > 0, 'values', images, `too many for as many updates as ${epochs} epochs of ${trainImages} images take`)
  return { ...recipe, trainImages: images, epochs: rounds }
}

export const LOST_INFORMATION = sweep(
  CQKD_BASE,
  {
    name: 'images',
    about: 'training images',
    value: count(),
    vary: (recipe, value) => withImages(recipe, value as number),
  },
  {
    name: 'lost-information',
    about:
      'Is the calibration error of small pictures that of lost information? Supervised students of several sizes at\n' +
      'several numbers of training images and as many updates: small pictures against full ones with as many fewer\n' +
      'images as give the same accuracy.',
    presets: presetsFrom<Recipe, Swept<Recipe>>(
      PRESETS,
      { methods: ['supervised'] },
      {
        smoke: {
          about: 'under a minute, far too little training',
          change: { sizes: [14, 4], trainImages: 256, values: [128, 256] },
        },
        quick: {
          about: 'the default: Fashion-MNIST, 28, 7 and 4 pixels, 125 to 500 images, 280 steps, 3 seeds',
          change: { sizes: [28, 7, 4], trainImages: 500, epochs: 40, values: [125, 250, 500], seeds: [0, 1, 2] },
        },
        standard: {
          about: '28, 14, 7 and 4 pixels, 250 to 2,000 images, 1,240 steps, 5 seeds',
          change: { sizes: [28, 14, 7, 4], trainImages: 2000, epochs: 40, values: [250, 500, 1000, 2000] },
        },
        paper: {
          about: 'CIFAR-10, 32, 16 and 8 pixels, 2,500 to 45,000 images, ResNet-20 with augmentation; needs a GPU',
          of: 'cifar10',
          change: {
            sizes: [32, 16, 8],
            // 5,000 are held out; no teacher, so no τ to fit.
            trainImages: 45000,
            calibrationImages: 0,
            values: [2500, 5000, 10000, 25000, 45000],
          },
        },
      },
    ),
    claims: LOST_INFORMATION_CLAIMS,
  },
)
