// TriKD's own flags.
import type { Flag } from './flag.ts'
import { choice, flags, list, network, number, whole, wrong } from './flags.ts'
import { LOOKS } from './recipe.ts'
import { TRIKD_METHODS, type TrikdRecipe } from './trikdRecipe.ts'

const TRIKD_OWN: Flag<TrikdRecipe>[] = [
  {
    name: 'generations',
    value: 'N',
    about: 'the last generation; 0 is online KD without an anchor',
    chooses: true,
    recipe: (r, text) => (r.generations = whole(text, 0)),
  },
  {
    name: 'saturation',
    value: 'N',
    about: 'ends with N generations in a row without a lower NLL of the student on images held out',
    recipe: (r, text) => {
      r.looks ??= { ...LOOKS }
      r.saturation = whole(text)
    },
  },
  {
    name: 'weights',
    value: 'W,W,W,W',
    about: 'of KL(T‖S), KL(A‖S), KL(S‖T), KL(A‖T); 0 leaves a term out',
    recipe: (r, text) => {
      const allowed = 'four numbers from 0, separated by commas'
      const [teacherToStudent, anchorToStudent, studentToTeacher, anchorToTeacher, ...more] = text
        .split(',')
        .map((item) => number(item, allowed))
      if (anchorToTeacher === undefined || more.length) wrong(allowed)
      r.weights = { teacherToStudent, anchorToStudent, studentToTeacher, anchorToTeacher }
    },
  },
  {
    name: 'kl-temperature',
    value: 'T',
    about: 'of these four terms',
    recipe: (r, text) => (r.klTemperature = number(text, 'a number above 0')),
  },
  {
    name: 'large-teacher',
    value: 'NET',
    about: 'of the method of that name',
    recipe: (r, text) => (r.largeTeacher = network(text, r.largeTeacher)),
  },
  {
    name: 'teacher-kinds',
    value: 'KIND,KIND',
    about: 'raw, calibrated: the finished teachers of the rivals (--methods kd, takd, …)',
    chooses: true,
    recipe: (r, text) => (r.teacherKinds = list(text, (kind) => choice(kind, ['raw', 'calibrated'] as const))),
  },
  {
    name: 'taught-epochs',
    value: 'N',
    about: 'of the finished teacher; default --epochs',
    recipe: (r, text) => (r.taughtEpochs = whole(text)),
  },
  {
    name: 'teacher-size',
    value: 'N',
    about: 'pixels that teachers see; default as many as students',
    recipe: (r, text) => (r.teacherSize = whole(text)),
  },
  {
    name: 'teacher-epochs',
    value: 'N',
    about: "of ESKD's teacher",
    recipe: (r, text) => (r.teacherEpochs = whole(text)),
  },
  {
    name: 'distill-until',
    value: 'N',
    about: 'epoch from which ESKD distils no more',
    recipe: (r, text) => (r.distillUntil = whole(text, 0)),
  },
]

export const trikdFlags = (name: string, presets: readonly string[]): Flag<TrikdRecipe>[] => {
  const temperatures = 'of distillation from a finished teacher'
  return flags({ name, presets, methods: TRIKD_METHODS, temperatures }, TRIKD_OWN)
}
