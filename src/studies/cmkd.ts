// Why compare CQKD with CMKD (Q1)? One teacher that sees everything, students that see the same picture as grey, as
// edges or smaller; each supervised, from a teacher of its own view, and from the one that sees everything. The last
// minus the middle one is what the extra modality, or quality, adds.
import { CMKD_CLAIMS } from '../report/claimsCmkd.ts'
import { CQKD_BASE } from '../study/papers.ts'
import { PRESETS, type Recipe } from '../study/recipe.ts'
import { fault, type Shape } from '../study/schema.ts'
import { type Swept, sweep, type Value } from '../study/sweep.ts'
import { presetsFrom } from './presets.ts'

const FORM = /^(colour|grey|edges) ([1-9]\d*)$/

const value: Shape<Value> = (text, path) => {
  return FORM.test(String(text)) ? String(text) : fault(path, text, "a view like 'grey 32', 'edges 32' or 'colour 16'")
}

export const CMKD = sweep(
  CQKD_BASE,
  {
    name: 'view',
    about: "what students see: 'grey 32', 'edges 32', 'colour 16', …",
    value,
    vary(recipe, value) {
      const [, modality, size] = FORM.exec(String(value))!
      return { ...recipe, modality: modality as Recipe['modality'], sizes: [Number(size)] }
    },
  },
  {
    name: 'cmkd',
    about:
      'Cross-quality against cross-modal distillation: students of grey pictures, of edges and of small ones, each\n' +
      'supervised, from a teacher of its own view, and from a teacher that sees colour at full size.',
    presets: presetsFrom<Recipe, Swept<Recipe>>(
      PRESETS,
      {
        dataset: 'cifar10',
        methods: ['supervised', 'cqkd', 'same-resolution'],
        temperatures: [4],
        values: ['grey 32', 'edges 32', 'colour 16', 'colour 8'],
      },
      {
        smoke: { about: 'a minute, far too little training', change: { values: ['grey 32', 'edges 32', 'colour 8'] } },
        quick: {
          about: 'the default: CIFAR-10, 1,000 images, 3 seeds',
          change: { trainImages: 1000, seeds: [0, 1, 2] },
        },
        standard: {
          about: 'CIFAR-10, 4,000 images, ResNet-14 teachers, 5 seeds',
          change: { trainImages: 4000 },
        },
        paper: { about: 'CIFAR-10 whole, ResNet-56 and ResNet-20; needs a GPU', of: 'cifar10', change: {} },
      },
    ),
    claims: CMKD_CLAIMS,
  },
)
