// Cross-entropy and the T² KL of distillation, half each, T = 4: the loss and its gradient, from logits.
import { labels, uniform } from './values.js'

export const loss = ['256x10', '128x100', '128x1000'].map((shape) => {
  const [n, classes] = shape.split('x').map(Number)
  return {
    name: `CE + T²KL forward and backward ${shape}`,
    family: 'loss',
    temperature: 4,
    tolerance: 1e-5,
    inputs: () => ({
      student: uniform('student', [n, classes], { scale: 5 }),
      teacher: uniform('teacher', [n, classes], { scale: 5 }),
      labels: labels('labels', n, classes),
    }),
  }
})
