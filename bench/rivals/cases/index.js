// Every case, in the order of the table.
import { calibration } from './calibration.js'
import { conv } from './conv.js'
import { inference } from './inference.js'
import { loss } from './loss.js'
import { norm } from './norm.js'
import { steps } from './steps.js'

/**
 * name, family and what else tells contestants what to compute; inputs(): name → { shape, type, data }, in PyTorch's
 * layouts; tolerance, of the results' largest value; flops where somebody counts them.
 */
export const cases = [...conv, ...loss, ...calibration, ...norm, ...steps, ...inference]
