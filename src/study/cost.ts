// What a stage costs, counted in floating-point operations: what a study is weighed and its remaining time guessed by.
import { flopsOf, type ResNetConfig } from '../nn/architecture.ts'
import { runsAlong, type Stage } from './stage.ts'

/** How many pictures there are. */
export interface Counts {
  train: number
  test: number
}

export interface Cost {
  /** Forward, weight gradient and input gradient of every trained network over all steps. */
  training: number
  /** Forward passes of frozen networks: once over the images, or in every step where they are augmented. */
  teaching: number
  /** Forward passes over test, training and held-out images at the end, and after epochs where these are looked at. */
  evaluation: number
  steps: number
}

/** FLOPs of one forward pass of one picture. */
export type Flops = (network: ResNetConfig, size: number) => number

export const flops: Flops = (network, size) => flopsOf(network, size, size)

/** Images that a stage trains on. */
export function trainedOn(stage: Stage, { train }: Counts): number {
  return stage.trainImages ?? train - stage.reserved
}

export function costOf(stage: Stage, counts: Counts, flops: Flops): Cost {
  const images = trainedOn(stage, counts)
  const perEpoch = Math.floor(images / stage.batch)
  const steps = perEpoch * stage.epochs
  const tested = Math.min(stage.testImages ?? counts.test, counts.test)
  const looked = stage.looks ? stage.epochs * (stage.looks.heldOut + Math.min(stage.looks.test, counts.test)) : 0
  const cost = { training: 0, teaching: 0, evaluation: 0, steps }
  for (const [name, { network, view, trained }] of Object.entries(stage.nodes)) {
    const one = flops(network, stage.views[view].size)
    if (trained) {
      cost.training += 3 * one * steps * stage.batch
      cost.evaluation += one * (tested + images + stage.calibrationImages + looked)
    } else {
      cost.teaching += one * (runsAlong(stage, name) ? steps * stage.batch : images)
      if (stage.compare) cost.evaluation += one * tested
    }
  }
  return cost
}

/** Whether trainings may end before their budget: what they cost is then at most that. */
export const mayEnd = (stages: readonly Stage[]) => stages.some(({ patience, saturation }) => patience ?? saturation)

export const total = ({ training, teaching, evaluation }: Cost): number => training + teaching + evaluation
