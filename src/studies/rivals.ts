// Does TriKD beat other ways to distil (K1)? All rivals at TriKD's preset, those from a finished teacher twice: as it
// is, and divided by τ. Our own question, stated beforehand: do early stopping, assistants and anchors help because
// they calibrate the teacher?
import { RIVAL_CLAIMS } from '../report/claimsRivals.ts'
import { studyOn } from '../study/paper.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

export const RIVALS = studyOn(TRIKD_BASE, {
  name: 'rivals',
  about:
    'Does TriKD beat other ways to distil? Label smoothing, Tf-KD, KD, DML, DML_e, TAKD, ESKD, SCKD, DKD and online KD\n' +
    'beside it; finished teachers as they are and calibrated, since that may be what early stopping, assistants and\n' +
    'anchors do.',
  presets: presetsFrom<TrikdRecipe, TrikdRecipe>(
    TRIKD_PRESETS,
    {
      methods: [
        ...(['supervised', 'label-smoothing', 'tfkd', 'kd', 'dml', 'dml-e', 'takd', 'eskd', 'sckd', 'dkd'] as const),
        ...(['online', 'control', 'trikd'] as const),
      ],
      temperatures: [4],
      generations: 1,
      calibrationImages: 1000,
      teacherKinds: ['raw', 'calibrated'],
    },
    {
      smoke: { about: 'a minute, far too little training', change: { calibrationImages: 256 } },
      quick: { about: 'the default: 1,000 images of 7 pixels, 300 steps, 3 seeds', change: {} },
      standard: { about: '2,000 images of 14 pixels, 10 seeds', change: {} },
      paper: {
        about: 'CIFAR-100, ResNet-56 and ResNet-20, 240 epochs; needs a GPU',
        change: { calibrationImages: 5000 },
      },
    },
  ),
  claims: RIVAL_CLAIMS,
})
