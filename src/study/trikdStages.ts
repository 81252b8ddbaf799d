// The stages of a TriKD recipe: per seed and size the finished teacher, the baselines, the generations, and what they
// are compared with. Chains are references: the anchor of a generation is the student of the one before. Networks of
// generation g start from streams of their own, so rows of one generation and seed start from the same weights.
import * as methods from '../distill/methods.ts'
import type { Described, Label, Pictures, Reference, Stage } from './stage.ts'
import { type Candidate, chosen, type Made, type Maker, makerOf } from './trikdMaker.ts'
import type { TrikdMethod, TrikdRecipe } from './trikdRecipe.ts'
import { mimics, rivals } from './trikdRivals.ts'

export function trikdStages(recipe: TrikdRecipe, pictures: Pictures): Stage[] {
  return recipe.seeds.flatMap((seed) =>
    recipe.sizes.flatMap((size) => chosen(candidates(makerOf(recipe, pictures, seed, size)), recipe.methods)),
  )
}

function candidates(maker: Maker): Candidate[] {
  const { recipe, add, student, teacher, alone, finished, kinds, budget } = maker
  const { weights, klTemperature: temperature } = recipe
  const taught = add(['kd'], 'teacher', alone('teacher', teacher()), { method: 'supervised' }, budget)('teacher')
  const labelled = add(['supervised'], 'supervised', methods.supervised(student()), { method: 'supervised' })
  for (const { suffix, label, tau } of kinds) {
    for (const T of recipe.temperatures) {
      const method = methods.kd(student(), taught, { ...finished(T), tau: tau(taught) })
      add(['kd'], `kd-T${T}${suffix}`, method, label('kd', T))
    }
  }

  /** Teacher and student trained together, beside an anchor where one is given. */
  const together = (generation: number, anchor?: Described, big?: (generation: number) => Described) => {
    return methods.trikd(
      { student: student(generation), teacher: (big ?? teacher)(generation), anchor },
      { weights, temperature },
    )
  }
  const generations = [add(['online'], 'generation0', together(0), { method: 'online', generation: 0 })]
  /** Generation g, and its control, are not trained where those before it have saturated. */
  const until = (g: number): Partial<Stage> => {
    const { saturation: patience } = recipe
    if (patience === undefined || g <= patience) return {}
    const of = generations.slice(0, g).map((before) => before('student').from as Reference)
    return { saturation: { patience, of } }
  }
  for (let g = 1; g <= recipe.generations; g++) {
    const method = together(g, generations[g - 1]('student'))
    const asked: TrikdMethod[] = g === 1 ? ['trikd', 'ablation'] : ['trikd']
    generations.push(add(asked, `generation${g}`, method, { method: 'trikd', generation: g }, until(g)))
  }
  const first = generations[0]('student')
  const fromAnchor = methods.trikd({ student: student(1), anchor: first }, { weights, temperature })
  add(['anchor'], 'anchor-alone', fromAnchor, { method: 'anchor', generation: 1 })
  add(['label-anchor'], 'label-anchor', together(1, labelled('student')), { method: 'labelAnchor', generation: 1 })

  // At the first generation's initial weights: every student loss crossed with every teacher loss. Both full losses are
  // that generation itself; where neither listens to the other, both networks stand in other crossings already.
  const some = (own: string[], other: string[]) => ({
    teacherToStudent: own.includes('T') ? weights.teacherToStudent : 0,
    anchorToStudent: own.includes('A') ? weights.anchorToStudent : 0,
    studentToTeacher: other.includes('S') ? weights.studentToTeacher : 0,
    anchorToTeacher: other.includes('A') ? weights.anchorToTeacher : 0,
  })
  /** Trained together; the anchor only teaches where its weights say so, and is measured against all the same. */
  const crossed = (generation: number, own: string[], other: string[]) => {
    const nodes = { student: student(generation), teacher: teacher(generation) }
    const anchor = generations[generation - 1]('student')
    return methods.trikd({ ...nodes, anchor }, { weights: some(own, other), temperature })
  }
  for (let g = 1; g <= recipe.generations; g++) {
    const asked: TrikdMethod[] = g === 1 ? ['control', 'ablation'] : ['control']
    add(asked, `control${g}`, crossed(g, ['T'], ['S']), { method: 'online', generation: g }, until(g))
  }
  const losses = (peer: string) => [[], [peer], ['A'], [peer, 'A']]
  for (const own of recipe.generations > 0 ? losses('T') : []) {
    for (const other of losses('S')) {
      const known = own.join() === other.join().replace('S', 'T') && own.includes('T')
      if (known || !(own.includes('T') || other.includes('S'))) continue
      const name = `ablation/S=${['CE', ...own].join('+')},T=${['CE', ...other].join('+')}`
      add(['ablation'], name, crossed(1, own, other), { method: 'ablation', generation: 1 })
    }
  }

  largeTeacher(maker, (anchor, big) => together(1, anchor, big), first)
  rivals(maker, taught)
  mimics(maker, taught)
  return maker.all
}

/** KD and TriKD from a larger teacher; the anchor is the one beside the usual teacher: only the teacher differs. */
function largeTeacher(
  { recipe, add, student, alone, finished, large: big, kinds }: Maker,
  together: (anchor: Described, big: (generation: number) => Described) => Made,
  anchor: Described,
): void {
  const teacherWidth = recipe.largeTeacher.widths?.[0] ?? 16
  const large = (name: string, method: Made, label: Partial<Label> & { method: string }) => {
    return add(['large-teacher'], `large/${name}`, method, { ...label, teacherWidth })
  }
  const taught = large('teacher', alone('teacher', big()), { method: 'supervised' })('teacher')
  for (const { suffix, label, tau } of kinds) {
    for (const T of recipe.temperatures) {
      const method = methods.kd(student(), taught, { ...finished(T), tau: tau(taught) })
      large(`kd-T${T}${suffix}`, method, label('kd', T))
    }
  }
  if (recipe.generations > 0) large('generation1', together(anchor, big), { method: 'trikd', generation: 1 })
}
