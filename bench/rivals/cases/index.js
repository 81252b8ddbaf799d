// Every case, in the order of the table.
import { conv } from './conv.js'

/**
 * name, family and what else tells contestants what to compute; inputs(): name → { shape, type, data }, in PyTorch's
 * layouts; tolerance, of the results' largest value; flops where somebody counts them.
 */
export const cases = [...conv]
