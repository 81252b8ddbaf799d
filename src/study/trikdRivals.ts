// What TriKD is compared with, and students that only mimic.
import * as methods from '../distill/methods.ts'
import { type Described, virtualOf } from './stage.ts'
import type { Maker } from './trikdMaker.ts'

/** Each from the same student's initial weights; those from a finished teacher once a kind of teacher. */
export function rivals(maker: Maker, taught: Described): void {
  const { recipe, add, fresh, student, teacher, alone, finished, kinds } = maker
  const { weights, klTemperature: temperature, rivalTemperature: T } = recipe
  const smooth = methods.labelSmoothing(student(), recipe.smoothing)
  add(['label-smoothing'], 'label-smoothing', smooth, { method: 'labelSmoothing' })
  const { temperature: own, virtual } = virtualOf(recipe)
  add(['tfkd'], 'tfkd', methods.tfkd(student(), finished(own)), { method: 'tfkd', temperature: own }, { virtual })
  const members = Array.from({ length: recipe.members }, (_, i) =>
    fresh(recipe.student, i ? `student ${i}` : 'student'),
  )
  const cohort = { weight: weights.teacherToStudent, ceWeight: 1, temperature, updates: recipe.updates }
  for (const ensemble of [false, true]) {
    const method = methods.dml(members, { ...cohort, ensemble })
    add([ensemble ? 'dml-e' : 'dml'], ensemble ? 'dml-e' : 'dml', method, { method: ensemble ? 'dmlE' : 'dml' })
  }
  const epochs = { epochs: recipe.teacherEpochs }
  const early = add(
    ['eskd'],
    'early-teacher',
    alone('teacher', teacher()),
    { method: 'earlyStopped' },
    epochs,
  )('teacher')
  for (const { suffix, label, tau } of kinds) {
    const rival = { ...finished(T), tau: tau(taught) }
    const raw = (method: string) => label(method, T)
    /** The chain: every assistant learns from the one before. */
    let last = taught
    for (const [i, network] of recipe.assistants.entries()) {
      const nth = i === 0 ? '' : String(i + 1)
      const who = fresh(network, nth ? `assistant ${nth}` : 'assistant')
      const method = methods.kd(who, last, { ...rival, tau: tau(last) })
      last = add(['takd'], `assistant${nth}${suffix}`, method, raw(`assistant${nth}`))('student')
    }
    add(['takd'], `takd${suffix}`, methods.kd(student(), last, { ...rival, tau: tau(last) }), raw('takd'))
    const until = { ...rival, tau: tau(early), until: recipe.distillUntil }
    add(['eskd'], `eskd${suffix}`, methods.eskd(student(), early, until), raw('eskd'))
    add(['sckd'], `sckd${suffix}`, methods.sckd(student(), taught, rival), raw('sckd'))
    add(['dkd'], `dkd${suffix}`, methods.dkd(student(), taught, { ...rival, ...recipe.dkd }), raw('dkd'))
  }
}

/**
 * Students of the finished teacher's own architecture and of the usual one that see no labels: what optimisation
 * leaves.
 */
export function mimics({ recipe, add, fresh, student }: Maker, taught: Described): void {
  const alone = { temperature: 1, weight: 1, ceWeight: 0 }
  // Only where they end after all of their budget is asked of them.
  const unseen = { looks: undefined, patience: undefined }
  const label = { temperature: 1, teacher: 'raw' as const }
  add(['mimic'], 'mimic', methods.kd(student(), taught, alone), { ...label, method: 'mimic' }, unseen)
  const same = { ...fresh(recipe.teacher, "mimic of the teacher's own kind"), view: taught.view }
  add(['mimic'], 'mimic-same', methods.kd(same, taught, alone), { ...label, method: 'mimicSame' }, unseen)
}
