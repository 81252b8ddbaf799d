// What flows from one network to another, as data.
import type { Value } from '../ops/distillLoss.ts'

export interface Edge {
  /** A node, a name in `stored`, or several nodes: the target is the mean of their probabilities at this temperature. */
  from: string | readonly string[]
  to: string
  /** Softens both softmaxes. */
  temperature: number
  /** Divides the teacher's logits first: its calibration (temperature scaling). Default 1. */
  tau?: number
  weight: Value
  /** Epochs after which its weight is 0. Default: it stays. */
  until?: number
  /** Its gradient counts only in steps in which its dot product with that of the rest of the loss is above 0 (SCKD). */
  whileAgreeing?: boolean
  /** Weighs the two parts of the KL apart: label against all others, and the others among themselves (DKD). */
  decoupled?: { target: number; others: number }
}
