// Whole training steps at batch 64: forward, loss, backward, running statistics, SGD with momentum. The batch lies on the
// device and is the same in every step. Compared: the losses of three steps from equal weights.
import { flopsOf } from '../resnet.js'
import { labels, uniform } from './values.js'
import { weights } from './weights.js'

const N = 64
const net = (depth, widths, channels, side) => ({ depth, widths, channels, side, classes: 10 })

const step = ({ name, student, teacher }) => ({
  name,
  family: 'step',
  student,
  teacher,
  temperature: 4,
  learningRate: 0.05,
  momentum: 0.9,
  compared: 3,
  flops: N * (3 * flopsOf(student, student.side) + (teacher ? flopsOf(teacher, teacher.side) : 0)),
  tolerance: 5e-5,
  inputs: () => ({
    x: uniform('x', [N, student.channels, student.side, student.side], { scale: 1.7 }),
    labels: labels('labels', N, student.classes),
    ...weights('student', student),
    ...(teacher && {
      xTeacher: uniform('xTeacher', [N, teacher.channels, teacher.side, teacher.side], { scale: 1.7 }),
      ...weights('teacher', teacher, { used: true }),
    }),
  }),
})

export const steps = [
  step({
    name: 'CQKD step: frozen ResNet-14 at 28x28, ResNet-8 at 14x14',
    student: net(8, [16, 32, 64], 1, 14),
    teacher: net(14, [16, 32, 64], 1, 28),
  }),
  step({ name: 'supervised step: ResNet-8 8/16/32 at 14x14', student: net(8, [8, 16, 32], 1, 14) }),
  step({ name: 'supervised step: ResNet-20 at 32x32x3', student: net(20, [16, 32, 64], 3, 32) }),
]
