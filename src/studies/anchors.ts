// Where may the anchor come from, and how long does the curriculum help (K3, K4)? No anchor, one trained with labels
// only, and the students of earlier generations; every epoch is looked at, so that speed can be told from height.
import { ANCHOR_CLAIMS } from '../report/claimsAnchors.ts'
import { studyOn } from '../study/paper.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { CIFAR_LOOKS, LOOKS } from '../study/recipe.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const ANCHORS = studyOn(TRIKD_BASE, {
  name: 'anchors',
  about:
    'Where may the anchor come from, and how long do generations help? No anchor, one of labels only, generations 0 to 3 or 4,\n' +
    'with online KD from the same weights beside each; epochs to 99 % of the final accuracy on images held out.',
  presets: presetsFrom<TrikdRecipe, TrikdRecipe>(
    TRIKD_PRESETS,
    {
      methods: ['supervised', 'online', 'trikd', 'label-anchor', 'control'],
      generations: 4,
      looks: LOOKS,
    },
    {
      smoke: {
        about: 'a minute, two generations, far too little training',
        change: { generations: 2, looks: { heldOut: 256, test: 256, outputs: false } },
      },
      quick: {
        about: 'the default: 1,000 images of 7 pixels, 300 steps, 3 generations, 3 seeds',
        change: { generations: 3 },
      },
      standard: {
        about: '2,000 images of 14 pixels, 4 generations, 10 seeds',
        change: { looks: { heldOut: 2000, test: 2000, outputs: false } },
      },
      paper: {
        about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 epochs; needs a GPU',
        change: { looks: CIFAR_LOOKS },
      },
    },
  ),
  claims: ANCHOR_CLAIMS,
})
