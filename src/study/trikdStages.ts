// The stages of a TriKD recipe: per seed and size the finished teacher, the baselines, the generations, and what they are
// compared with. Chains are references: the anchor of a generation is the student of the one before. Networks of
// generation g start from streams of their own, so rows of one generation and seed start from the same weights.
import * as methods from '../distill/methods.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import { type Described, type Label, needs, type Pictures, partsOf, type Reference, type Stage } from './stage.ts'
import type { TrikdMethod, TrikdRecipe } from './trikdRecipe.ts'

type Made = methods.Method<Described, number | Reference>

/** A stage, and the methods of a recipe that ask for it; those it needs come along. */
interface Candidate {
  asked: TrikdMethod[]
  stage: Stage
}

export function trikdStages(recipe: TrikdRecipe, pictures: Pictures): Stage[] {
  return recipe.seeds.flatMap((seed) =>
    recipe.sizes.flatMap((size) => chosen(candidates(recipe, pictures, seed, size), recipe.methods)),
  )
}

/** Those asked for, and all that they need, in their order. */
function chosen(all: Candidate[], asked: readonly TrikdMethod[]): Stage[] {
  const wanted = new Set<string>()
  for (const candidate of [...all].reverse()) {
    const { stage } = candidate
    if (!wanted.has(stage.id) && !candidate.asked.some((method) => asked.includes(method))) continue
    wanted.add(stage.id)
    for (const id of needs(stage)) wanted.add(id)
  }
  return all.map(({ stage }) => stage).filter(({ id }) => wanted.has(id))
}

function candidates(recipe: TrikdRecipe, { channels, classes }: Pictures, seed: number, size: number): Candidate[] {
  const { weights, klTemperature: temperature, rivalTemperature } = recipe
  const common = {
    seed,
    batch: recipe.batch,
    ...partsOf(recipe),
    trainImages: recipe.trainImages,
    reserved: recipe.trainImages === null ? recipe.calibrationImages : 0,
    views: { low: { size, downscale: recipe.downscale } },
    optimizer: recipe.optimizer,
    schedule: recipe.schedule,
    augmentation: recipe.augmentation,
    calibrationImages: recipe.calibrationImages,
    testImages: recipe.testImages,
  }
  const all: Candidate[] = []
  /** Adds a stage and returns a way to refer to its networks. */
  const add = (
    asked: TrikdMethod[],
    name: string,
    method: Made,
    label: Partial<Label> & { method: string },
    more: Partial<Stage> = {},
  ) => {
    const id = `seed${seed}/${size}px/${name}`
    const compare = Object.keys(method.nodes).length > 1 ? { compare: true } : {}
    const told = { size, temperature: null, teacher: null, ...label }
    all.push({ asked, stage: { ...common, id, epochs: recipe.epochs, ...method, ...compare, label: told, ...more } })
    return (node: string): Described => {
      const { network, view } = method.nodes[node]
      return { network, view, from: { stage: id, node } }
    }
  }
  const fresh = (config: ResNetConfig, who: string, generation = 0): Described => {
    const from = `init ${who}${generation ? ` generation ${generation}` : ''}`
    return { network: { ...config, channels, classes }, view: 'low', from }
  }
  const student = (generation = 0) => fresh(recipe.student, 'student', generation)
  const teacher = (generation = 0) => fresh(recipe.teacher, 'teacher', generation)
  const alone = (node: string, one: Described): Made => ({
    nodes: { [node]: methods.supervised(one).nodes.student },
    edges: [],
  })
  const finished = (T: number) => ({ temperature: T, weight: weights.teacherToStudent, ceWeight: 1 })
  const raw = (method: string, T: number) => ({ method, temperature: T, teacher: 'raw' as const })

  const taught = add(['kd'], 'teacher', alone('teacher', teacher()), { method: 'supervised' })('teacher')
  const labelled = add(['supervised'], 'supervised', methods.supervised(student()), { method: 'supervised' })
  for (const T of recipe.temperatures) {
    add(['kd'], `kd-T${T}`, methods.kd(student(), taught, finished(T)), raw('kd', T))
  }

  /** Teacher and student trained together, beside an anchor where one is given. */
  const together = (generation: number, anchor?: Described, big?: (generation: number) => Described) => {
    return methods.trikd(
      { student: student(generation), teacher: (big ?? teacher)(generation), anchor },
      { weights, temperature },
    )
  }
  const generations = [add(['online'], 'generation0', together(0), { method: 'online', generation: 0 })]
  for (let g = 1; g <= recipe.generations; g++) {
    const method = together(g, generations[g - 1]('student'))
    const asked: TrikdMethod[] = g === 1 ? ['trikd', 'ablation'] : ['trikd']
    generations.push(add(asked, `generation${g}`, method, { method: 'trikd', generation: g }))
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
    add(asked, `control${g}`, crossed(g, ['T'], ['S']), { method: 'online', generation: g })
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

  const teacherWidth = recipe.largeTeacher.widths?.[0] ?? 16
  const big = (generation: number) => fresh(recipe.largeTeacher, 'large teacher', generation)
  const large = (name: string, method: Made, label: Partial<Label> & { method: string }) => {
    return add(['large-teacher'], `large/${name}`, method, { ...label, teacherWidth })
  }
  const bigTaught = large('teacher', alone('teacher', big(0)), { method: 'supervised' })('teacher')
  for (const T of recipe.temperatures) {
    large(`kd-T${T}`, methods.kd(student(), bigTaught, finished(T)), raw('kd', T))
  }
  // The same anchor as beside the usual teacher: only the teacher differs.
  if (recipe.generations > 0) large('generation1', together(1, first, big), { method: 'trikd', generation: 1 })

  const rival = { ...finished(rivalTemperature) }
  add(['label-smoothing'], 'label-smoothing', methods.labelSmoothing(student(), recipe.smoothing), {
    method: 'labelSmoothing',
  })
  const virtual = { virtual: recipe.virtualTeacher }
  add(['tfkd'], 'tfkd', methods.tfkd(student(), finished(1)), { method: 'tfkd', temperature: 1 }, virtual)
  const members = Array.from({ length: recipe.members }, (_, i) =>
    fresh(recipe.student, i ? `student ${i}` : 'student'),
  )
  const cohort = { weight: weights.teacherToStudent, ceWeight: 1, temperature, updates: recipe.updates }
  for (const ensemble of [false, true]) {
    const method = methods.dml(members, { ...cohort, ensemble })
    add([ensemble ? 'dml-e' : 'dml'], ensemble ? 'dml-e' : 'dml', method, { method: ensemble ? 'dmlE' : 'dml' })
  }
  const middle = methods.kd(fresh(recipe.assistant, 'assistant'), taught, rival)
  const assistant = add(['takd'], 'assistant', middle, raw('assistant', rivalTemperature))('student')
  add(['takd'], 'takd', methods.kd(student(), assistant, rival), raw('takd', rivalTemperature))
  const early = add(
    ['eskd'],
    'early-teacher',
    alone('teacher', teacher()),
    { method: 'earlyStopped' },
    { epochs: recipe.teacherEpochs },
  )
  const until = { ...rival, until: recipe.distillUntil }
  add(['eskd'], 'eskd', methods.eskd(student(), early('teacher'), until), raw('eskd', rivalTemperature))
  add(['sckd'], 'sckd', methods.sckd(student(), taught, rival), raw('sckd', rivalTemperature))
  add(['dkd'], 'dkd', methods.dkd(student(), taught, { ...rival, ...recipe.dkd }), raw('dkd', rivalTemperature))
  return all
}
