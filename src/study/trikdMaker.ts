// What the stages of a TriKD recipe are made with, at one seed and size: networks by name, stages by what asks for
// them.
import * as methods from '../distill/methods.ts'
import type { ResNetConfig } from '../nn/resnet.ts'
import {
  type Described,
  type Label,
  looksOf,
  needs,
  type Pictures,
  partsOf,
  type Reference,
  type Stage,
} from './stage.ts'
import type { TrikdMethod, TrikdRecipe } from './trikdRecipe.ts'

export type Made = methods.Method<Described, number | Reference>

/** A stage, and the methods of a recipe that ask for it; those it needs come along. */
export interface Candidate {
  asked: TrikdMethod[]
  stage: Stage
}

/** Those asked for, and all that they need, in their order. */
export function chosen(all: Candidate[], asked: readonly TrikdMethod[]): Stage[] {
  const wanted = new Set<string>()
  for (const candidate of [...all].reverse()) {
    const { stage } = candidate
    if (!wanted.has(stage.id) && !candidate.asked.some((method) => asked.includes(method))) continue
    wanted.add(stage.id)
    for (const id of needs(stage)) wanted.add(id)
  }
  return all.map(({ stage }) => stage).filter(({ id }) => wanted.has(id))
}

export type Maker = ReturnType<typeof makerOf>

export function makerOf(recipe: TrikdRecipe, { channels, classes }: Pictures, seed: number, size: number) {
  const { teacherSize, downscale } = recipe
  const views: Stage['views'] = { low: { size, downscale } }
  if (teacherSize !== undefined) views.full = { size: teacherSize, downscale }
  const common = {
    seed,
    batch: recipe.batch,
    ...partsOf(recipe),
    trainImages: recipe.trainImages,
    ...looksOf(recipe),
    views,
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
    const used = new Set(Object.values(method.nodes).map(({ view }) => view))
    const views = Object.fromEntries(Object.entries(common.views).filter(([name]) => used.has(name)))
    const told = { size, temperature: null, teacher: null, ...label }
    all.push({
      asked,
      stage: { ...common, views, id, epochs: recipe.epochs, ...method, ...compare, label: told, ...more },
    })
    return (node: string): Described => {
      const { network, view } = method.nodes[node]
      return { network, view, from: { stage: id, node } }
    }
  }
  const fresh = (config: ResNetConfig, who: string, generation = 0, view = 'low'): Described => {
    const from = `init ${who}${generation ? ` generation ${generation}` : ''}`
    return { network: { ...config, channels, classes }, view, from }
  }
  const view = teacherSize === undefined ? 'low' : 'full'
  return {
    recipe,
    all,
    add,
    fresh,
    student: (generation = 0) => fresh(recipe.student, 'student', generation),
    teacher: (generation = 0) => fresh(recipe.teacher, 'teacher', generation, view),
    large: (generation = 0) => fresh(recipe.largeTeacher, 'large teacher', generation, view),
    /** A network that learns from labels only. */
    alone: (node: string, one: Described): Made => ({
      nodes: { [node]: methods.supervised(one).nodes.student },
      edges: [],
    }),
    /** The finished teacher has a budget of its own. */
    budget: recipe.taughtEpochs === undefined ? {} : { epochs: recipe.taughtEpochs },
    /** Of distillation from a finished teacher. */
    finished: (T: number) => ({ temperature: T, weight: recipe.weights.teacherToStudent, ceWeight: 1 }),
    /** Every way in which a finished teacher is asked to teach. */
    kinds: (recipe.teacherKinds ?? ['raw']).map((kind) => ({
      suffix: kind === 'raw' ? '' : `-${kind}`,
      label: (method: string, temperature: number) => ({ method, temperature, teacher: kind }),
      tau: ({ from }: Described) => (kind === 'raw' ? 1 : (from as Reference)),
    })),
  }
}
