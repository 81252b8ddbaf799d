// Does TriKD help to recognise faces? Embedding networks learn to name the identities they are trained on; on pictures
// of other identities the head is dropped, and the cosine of two embeddings has to tell same from different.
import { openSet } from '../data/openSet.ts'
import { FACES_CLAIMS } from '../report/claimsFaces.ts'
import { whole } from '../study/flags.ts'
import { type Base, studyOn } from '../study/paper.ts'
import { TRIKD_BASE } from '../study/papers.ts'
import { CIFAR_LOOKS, need } from '../study/recipe.ts'
import { trikdSchema } from '../study/recipeSchema.ts'
import { between, count, orNull } from '../study/schema.ts'
import type { Stage } from '../study/stage.ts'
import { trikdFlags } from '../study/trikdFlags.ts'
import { checkTrikd, TRIKD_PRESETS, type TrikdRecipe } from '../study/trikdRecipe.ts'
import { trikdStages } from '../study/trikdStages.ts'
import { presetsFrom } from './presets.ts'

export interface FacesRecipe extends TrikdRecipe {
  /** Identities that nothing is trained on, the last ones; null: a third. */
  heldOut: number | null
  /** At most so many pairs of each kind. */
  pairs: number
  /** Of the cosine of the label in training (CosFace); 0: plain softmax of cosines. */
  margin: number
}

const FACES_BASE: Base<FacesRecipe> = {
  ...TRIKD_BASE,
  flags: (name, presets) => [
    ...trikdFlags(name, presets),
    {
      name: 'held-out',
      value: 'N',
      about: 'identities, the last ones, that nothing is trained on; default a third',
      recipe: (recipe, text) => (recipe.heldOut = whole(text, 2)),
    },
    {
      name: 'pairs',
      value: 'N',
      about: 'at most so many pairs of one identity, and as many of two',
      recipe: (recipe, text) => (recipe.pairs = whole(text)),
    },
    {
      name: 'margin',
      value: 'M',
      about: 'that the cosine of the label has to be ahead by in training (CosFace); 0: none',
      recipe: (recipe, text) => (recipe.margin = between(0, 1)(Number(text), 'margin')),
    },
  ],
  schema: (presets) => ({ ...trikdSchema(presets), heldOut: orNull(count(2)), pairs: count(), margin: between(0, 1) }),
  check(recipe) {
    checkTrikd(recipe)
    const { teacher, student, margin } = recipe
    const cosines = teacher.embedding !== undefined && student.embedding !== undefined
    need(margin === 0 || cosines, 'margin', margin, 'teacher and student need an embedding head, resnet8@32')
    return recipe
  },
  stages({ heldOut: identities, pairs, margin, ...recipe }, pictures) {
    const learns = (nodes: Stage['nodes']) => {
      const all = Object.entries(nodes).map(([name, node]) => [name, node.trained ? { ...node, margin } : node])
      return margin > 0 ? Object.fromEntries(all) : nodes
    }
    return trikdStages(recipe, pictures).map((stage): Stage => {
      return { ...stage, nodes: learns(stage.nodes), verify: { identities, pairs } }
    })
  },
}

const network = (width: number) => ({
  depth: 8,
  widths: [width, 2 * width, 4 * width],
  stemStride: 1,
  embedding: 32,
})

export const FACES = studyOn(FACES_BASE, {
  name: 'faces',
  about:
    'Does TriKD help to recognise faces? Embedding networks trained on some identities, tried on pairs of pictures of\n' +
    'others: true accepts at fixed false accepts, ROC, equal error rate. Without --data the identities are made up.',
  data: (pair, { heldOut }) => openSet(pair, heldOut),
  presets: presetsFrom<TrikdRecipe, FacesRecipe>(
    TRIKD_PRESETS,
    {
      dataset: 'identities',
      methods: ['supervised', 'kd', 'online', 'trikd'],
      temperatures: [4],
      generations: 1,
      trainImages: null,
      sizes: [10],
      teacher: network(16),
      student: network(8),
      heldOut: null,
      pairs: 20_000,
      margin: 0,
      // Two pictures of each identity that is trained on.
      looks: { heldOut: 120, test: 240, outputs: false },
    },
    {
      smoke: {
        about: 'under a minute, far too little training',
        change: { sizes: [8], testImages: null, looks: null },
      },
      quick: { about: 'the default: made-up identities, 840 images of 10 pixels, 3 seeds', change: {} },
      standard: {
        about: 'made-up identities, 24 pixels, with online KD from the same weights, two generations, 10 seeds',
        change: { methods: ['supervised', 'kd', 'online', 'trikd', 'control'], generations: 2, sizes: [24] },
      },
      paper: {
        about: 'an ImageFolder of identities (--data DIR), 112 pixels, ResNet-50 and ResNet-18; needs a GPU',
        change: {
          dataset: 'imagefolder',
          sizes: [112],
          teacher: { depth: 50, embedding: 512 },
          student: { depth: 18, embedding: 512 },
          epochs: 20,
          batch: 256,
          pairs: 1_000_000,
          margin: 0.35,
          looks: CIFAR_LOOKS,
        },
      },
    },
  ),
  claims: FACES_CLAIMS,
})
