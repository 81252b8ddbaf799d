// The expected calibration error over 15 bins of equal width, from logits.
import { labels, uniform } from './values.js'

export const calibration = [
  {
    name: 'ECE 10000x10',
    family: 'ece',
    bins: 15,
    tolerance: 1e-5,
    inputs: () => ({
      logits: uniform('logits', [10000, 10], { scale: 4 }),
      labels: labels('labels', 10000, 10),
    }),
  },
]
