// Which losses does it take (K2)? The student's CE, +T, +A, +T+A crossed with the teacher's CE, +S, +A, +S+A.
import { TRIKD_CLAIMS } from '../report/claimsTrikd.ts'
import { studyOn } from '../study/paper.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const ABLATION = studyOn(TRIKD_BASE, {
  name: 'ablation',
  about:
    "Which losses does TriKD take? The student's cross-entropy, with the teacher, the anchor and both, crossed with the\n" +
    "teacher's, with the student, the anchor and both; all from the same weights.",
  presets: presetsFrom<TrikdRecipe, TrikdRecipe>(
    TRIKD_PRESETS,
    { methods: ['supervised', 'anchor', 'control', 'trikd', 'ablation'], generations: 1 },
    {
      smoke: { about: 'a minute, far too little training', change: {} },
      quick: { about: 'the default: 1,000 images of 7 pixels, 300 steps, 3 seeds', change: {} },
      standard: { about: '2,000 images of 14 pixels, 10 seeds', change: {} },
      paper: { about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 epochs; needs a GPU', change: {} },
    },
  ),
  claims: TRIKD_CLAIMS.filter(({ id }) => ['K2', 'K6', 'K7', 'K8'].includes(id)),
})
