// A stage's optimizer and schedule, as its recipe names them.
import { adamW, type Optimizer, sgd } from '../optim.ts'
import { constant, linearWarmupCosine, multiStep, oneCycle, type Schedule } from '../schedule.ts'
import type { Stage } from './stage.ts'

type Named = Pick<Stage, 'optimizer' | 'schedule'>

export function optimizerOf({ optimizer }: Named, flat: Parameters<typeof adamW>[0]): Optimizer {
  const { name, lr, weightDecay, momentum = 0.9, nesterov = false } = optimizer
  return name === 'adamw' ? adamW(flat, { lr, weightDecay }) : sgd(flat, { lr, weightDecay, momentum, nesterov })
}

/** Learning rates (and what cycles with them) of a stage of so many steps. */
export function scheduleOf({ optimizer, schedule }: Named, steps: number): Schedule {
  const { lr } = optimizer
  if (schedule.name === 'constant') return constant({ lr })
  if (schedule.name === 'multiStep') {
    const { gamma, milestones } = schedule
    return multiStep({ lr, gamma, milestones: milestones.map((share) => Math.round(share * steps)) })
  }
  if (schedule.name === 'oneCycle') return oneCycle({ maxLr: lr, totalSteps: steps, pctStart: schedule.warmup })
  const warmup = Math.max(1, Math.round(schedule.warmup * steps))
  return linearWarmupCosine({ lr, warmup, total: Math.max(steps, warmup + 1), startFactor: 1 / warmup })
}
