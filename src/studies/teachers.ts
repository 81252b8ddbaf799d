// Does a better teacher make a better student (K5, K6, K10)? Teachers of several widths at full training and one width
// at fewer epochs, so that size and accuracy vary apart; the same teachers under KD, TAKD and TriKD.
import { TEACHER_CLAIMS } from '../report/claimsTeachers.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { fault, type Shape } from '../study/schema.ts'
import { type Swept, sweep, type Value } from '../study/sweep.ts'
import { TRIKD_PRESETS, type TrikdMethod, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { presetsFrom } from './presets.ts'

const FORM = /^width (\d+)(?: for (\d+) epochs)?$/

/** 'width 32', 'width 16 for 5 epochs'. */
const value: Shape<Value> = (text, path) => {
  return FORM.test(String(text))
    ? String(text)
    : fault(path, text, "a teacher like 'width 32' or 'width 16 for 5 epochs'")
}

function vary(recipe: TrikdRecipe, value: Value): TrikdRecipe {
  const [width, taughtEpochs] = FORM.exec(String(value))!
    .slice(1)
    .map((text) => (text ? Number(text) : undefined))
  const own = recipe.student.widths?.[0] ?? 16
  const widths = [1, 2, 4].map((times) => times * width!)
  const teacher = { ...recipe.teacher, widths }
  if (taughtEpochs) return { ...recipe, teacher, taughtEpochs, methods: ['supervised', 'kd'] }
  // An assistant only where there is room for one.
  const methods: TrikdMethod[] = [
    'supervised',
    'kd',
    'online',
    'trikd',
    ...(width! >= 4 * own ? (['takd'] as const) : []),
  ]
  return {
    ...recipe,
    teacher,
    methods,
    assistants: [{ ...recipe.teacher, widths: [1, 2, 4].map((times) => times * 2 * own) }],
  }
}

export const TEACHERS = sweep(
  TRIKD_BASE,
  { name: 'teacher', about: "teachers: 'width 32', 'width 16 for 5 epochs'", value, vary },
  {
    name: 'teachers',
    about:
      'Does a better teacher make a better student? Widths at full training and one at fewer epochs, under KD, TAKD,\n' +
      "online KD and TriKD: the teacher's accuracy against how closely it is followed.",
    presets: presetsFrom<TrikdRecipe, Swept<TrikdRecipe>>(
      TRIKD_PRESETS,
      { methods: ['supervised', 'kd', 'online', 'trikd', 'takd'], temperatures: [4], generations: 1 },
      {
        smoke: {
          about: 'a minute, two widths, far too little training',
          change: { values: ['width 8', 'width 16', 'width 16 for 1 epochs'] },
        },
        quick: {
          about: 'the default: 1,000 images of 7 pixels, widths 8, 16 and 32, 3 seeds',
          change: { values: ['width 8', 'width 16', 'width 16 for 5 epochs', 'width 32'] },
        },
        standard: {
          about: '2,000 images of 14 pixels, widths 8 to 64, 10 seeds',
          change: {
            values: ['width 8', 'width 16', 'width 16 for 5 epochs', 'width 16 for 10 epochs', 'width 32', 'width 64'],
          },
        },
        paper: {
          about: 'CIFAR-100, ResNet-56 of widths 16 to 64, ResNet-20 students, 240 epochs; needs a GPU',
          change: { values: ['width 16', 'width 32', 'width 32 for 60 epochs', 'width 64'] },
        },
      },
    ),
    claims: TEACHER_CLAIMS,
  },
)
