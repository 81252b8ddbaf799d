// The methods as data. Each takes nodes and returns nodes and edges, whatever a node's network is: one on a device (then
// the result is a Graph but for its views) or the description of one (then it is a stage of a study). What is chained,
// TriKD's generations and TAKD's assistants, is one of these after the other.
//
// Cross-quality and cross-modal distillation (CQKD, CMKD) are `kd` whose nodes see different views.
import { InputError } from '../errors.ts'
import type { Edge } from './edge.ts'

/** What a method decides about a node. */
export interface Role {
  trained: boolean
  ceWeight: number
  batchStatistics: boolean
  labelSmoothing?: number
  margin?: number
}

/** An edge whose τ may be something that becomes a number later. */
export type EdgeOf<Tau> = Omit<Edge, 'weight' | 'tau'> & { weight: number; tau: number | Tau }

export interface Method<Node, Tau = number> {
  nodes: Record<string, Node & Role>
  edges: EdgeOf<Tau>[]
  updates?: 'simultaneous' | 'sequential'
}

const learner = <Node>(node: Node, ceWeight = 1): Node & Role => {
  return { ...node, trained: true, ceWeight, batchStatistics: true }
}
const frozen = <Node>(node: Node): Node & Role => ({ ...node, trained: false, ceWeight: 0, batchStatistics: false })

/** Labels only. */
export function supervised<Node>(student: Node): Method<Node> {
  return { nodes: { student: learner(student) }, edges: [] }
}

/** Labels only, a part of every label spread evenly over all classes. */
export function labelSmoothing<Node>(student: Node, smoothing = 0.1): Method<Node> {
  return { nodes: { student: { ...learner(student), labelSmoothing: smoothing } }, edges: [] }
}

export interface KdOptions<Tau = number> {
  /** Of both softmaxes. Default 4. */
  temperature?: number
  /** The teacher's calibration. Default 1. */
  tau?: number | Tau
  /** Of the distillation term. Default 0.5. */
  weight?: number
  /** Default 1 - weight. */
  ceWeight?: number
}

/** A student learns from labels and from a finished teacher (Hinton et al. 2015). */
export function kd<Node, Tau = number>(student: Node, teacher: Node, options: KdOptions<Tau> = {}): Method<Node, Tau> {
  const { temperature = 4, tau = 1, weight = 0.5, ceWeight = 1 - weight } = options
  return {
    nodes: { teacher: frozen(teacher), student: learner(student, ceWeight) },
    edges: [{ from: 'teacher', to: 'student', temperature, tau, weight }],
  }
}

const withEdge = <Node, Tau>(method: Method<Node, Tau>, more: Partial<EdgeOf<Tau>>): Method<Node, Tau> => {
  return { ...method, edges: method.edges.map((edge) => ({ ...edge, ...more })) }
}

/** ESKD (Cho & Hariharan 2019), its second half: no distillation from epoch `until` on. The first is a teacher of few epochs. */
export function eskd<Node, Tau = number>(student: Node, teacher: Node, options: KdOptions<Tau> & { until: number }) {
  return withEdge(kd(student, teacher, options), { until: options.until })
}

/**
 * SCKD (Zhu & Wang 2021), as we read its rule of similarity: the distillation gradient counts only while its cosine with
 * the task gradient is above 0.
 */
export function sckd<Node, Tau = number>(student: Node, teacher: Node, options: KdOptions<Tau> = {}) {
  return withEdge(kd(student, teacher, options), { whileAgreeing: true })
}

/**
 * DKD (Zhao et al. 2022): the label's part of the KL and that of the other classes have weights of their own. Its authors
 * raise both from 0 over the first epochs; here they stay.
 */
export function dkd<Node, Tau = number>(
  student: Node,
  teacher: Node,
  { target = 1, others = 8, ...options }: KdOptions<Tau> & { target?: number; others?: number } = {},
) {
  return withEdge(kd(student, teacher, options), { decoupled: { target, others } })
}

/** Tf-KD (Yuan et al. 2020) with a virtual teacher: `kd` from stored logits of that name, see `virtualTeacher`. */
export function tfkd<Node>(student: Node, options: KdOptions = {}): Method<Node> {
  const { temperature = 1, weight = 0.5, ceWeight = 1 - weight } = options
  return {
    nodes: { student: learner(student, ceWeight) },
    edges: [{ from: 'virtual', to: 'student', temperature, tau: 1, weight }],
  }
}

export const SMOOTHINGS = ['none', 'logits', 'probabilities'] as const

/** A teacher whose answer p is this probability at the label, and equal ones at all else. */
export interface VirtualTeacher {
  probability: number
  /** Of the edge that it teaches along. */
  temperature: number
  /**
   * What it teaches at that temperature T: `none` p itself; `logits` softmax(log p / T), as any teacher with the logits
   * log p; `probabilities` softmax(p / T), as the published code of CQKD smooths it, which is nearly even whatever T.
   */
  smoothing: (typeof SMOOTHINGS)[number]
}

/** The logits of a virtual teacher, [n, classes]; of a probability alone log p, which are smoothed as logits. */
export function virtualTeacher(
  labels: ArrayLike<number>,
  classes: number,
  teacher: number | VirtualTeacher = 0.9,
): Float32Array {
  const known = { temperature: 1, smoothing: 'logits' } as const
  const whole = typeof teacher === 'number' ? { ...known, probability: teacher } : teacher
  const { probability, temperature: T, smoothing } = whole
  if (!(probability > 0 && probability < 1)) {
    throw new InputError(`virtualTeacher: probability ${probability}, needs a number between 0 and 1`)
  }
  const logit = (p: number) => (smoothing === 'probabilities' ? p : Math.log(p) * (smoothing === 'none' ? T : 1))
  const table = new Float32Array(labels.length * classes).fill(logit((1 - probability) / (classes - 1)))
  for (let i = 0; i < labels.length; i++) table[i * classes + labels[i]] = logit(probability)
  return table
}

export interface DmlOptions {
  /** Of the mean over the peers. Default 0.5. */
  weight?: number
  /** Default 1 - weight; 1 in the original. */
  ceWeight?: number
  temperature?: number
  /**
   * One target, the mean of the peers' probabilities (DML_e), instead of one a peer; a member is no peer of its own.
   * Its gradient is the same, up to rounding: KL is linear in its target but for a constant.
   */
  ensemble?: boolean
  updates?: 'simultaneous' | 'sequential'
  /** false: batch norm with running statistics, as after an evaluation in the published code of CQKD. */
  batchStatistics?: boolean
}

/** DML (Zhang et al. 2018): every member learns from the labels and from all others. */
export function dml<Node>(members: readonly Node[], options: DmlOptions = {}): Method<Node> {
  const { weight = 0.5, ceWeight = 1 - weight, temperature = 1, ensemble = false } = options
  const { updates = 'simultaneous', batchStatistics = true } = options
  const names = members.map((_, i) => `member${i}`)
  const edge = { temperature, tau: 1 }
  const edges = names.flatMap((to): EdgeOf<number>[] => {
    const peers = names.filter((name) => name !== to)
    if (ensemble) return [{ from: peers, to, ...edge, weight }]
    return peers.map((from) => ({ from, to, ...edge, weight: weight / peers.length }))
  })
  const nodes = members.map((member, i) => [names[i], { ...learner(member, ceWeight), batchStatistics }])
  return { nodes: Object.fromEntries(nodes), edges, ...(updates === 'sequential' ? { updates } : {}) }
}

/** Weights of TriKD's four KL terms: w1 … w4 of the paper. At 0 there is no such edge. */
export interface TrikdWeights {
  teacherToStudent: number
  anchorToStudent: number
  studentToTeacher: number
  anchorToTeacher: number
}

/**
 * TriKD (Wang et al. 2023): L(student) = CE + w1 KL(T ‖ S) + w2 KL(A ‖ S), L(teacher) = CE + w3 KL(S ‖ T) + w4 KL(A ‖ T),
 * both trained together beside a frozen anchor. Without the anchor it is online KD; without the teacher, distillation
 * from the anchor alone.
 */
export function trikd<Node>(
  { student, teacher, anchor }: { student: Node; teacher?: Node; anchor?: Node },
  { weights, temperature = 1 }: { weights?: Partial<TrikdWeights>; temperature?: number } = {},
): Method<Node> {
  const w = { teacherToStudent: 1, anchorToStudent: 1, studentToTeacher: 1, anchorToTeacher: 1, ...weights }
  const all: [string, string, number][] = [
    ['teacher', 'student', w.teacherToStudent],
    ['anchor', 'student', w.anchorToStudent],
    ['student', 'teacher', w.studentToTeacher],
    ['anchor', 'teacher', w.anchorToTeacher],
  ]
  const nodes: Record<string, Node & Role> = { student: learner(student) }
  if (teacher) nodes.teacher = learner(teacher)
  if (anchor) nodes.anchor = frozen(anchor)
  const there = all.filter(([from, to, weight]) => weight !== 0 && from in nodes && to in nodes)
  return { nodes, edges: there.map(([from, to, weight]) => ({ from, to, temperature, tau: 1, weight })) }
}
