// Optimizers, schedules and whole training steps of the torch suite.
import { backward } from '../../../src/autograd.ts'
import { Parameters, type Spec } from '../../../src/nn/parameters.ts'
import { distillLoss } from '../../../src/ops/distillLoss.ts'
import { linear } from '../../../src/ops/linear.ts'
import { adam, adamW, type Flat, type Optimizer, sgd } from '../../../src/optim.ts'
import * as schedules from '../../../src/schedule.ts'
import { assign } from '../../../src/tensor.ts'
import { engine } from '../../device.ts'
import type { Case } from '../cases.ts'
import { type Adapters, input, type Results, refuse, upload } from '../harness.ts'

interface Options {
  lr: number
  momentum?: number
  dampening?: number
  nesterov?: boolean
  weight_decay?: number
  betas?: [number, number]
  eps?: number
}

type Make = (flat: Flat, options: Options & { decayEnd?: number; weightDecay?: number }) => Optimizer

const OPTIMIZERS: Record<string, Make> = {
  sgd,
  adam,
  adamw: adamW,
}

function optimizerOf(c: Case, parameters: Parameters, options: Options, decayEnd?: number): Optimizer {
  const { weight_decay: weightDecay, ...rest } = options
  const make = OPTIMIZERS[c.attributes.optimizer as string]
  return make(parameters.flat, { ...rest, ...(weightDecay === undefined ? {} : { weightDecay }), decayEnd })
}

/** The named inputs as parameters of a network. */
function parametersOf(c: Case, names: readonly string[]): Parameters {
  const specs = names.map((name): Spec => {
    const { shape, values } = input(c, name)
    return { name, shape, values: Float32Array.from(values), kind: name === 'b' ? 'bias' : 'weight' }
  })
  return new Parameters(engine.gpu, specs)
}

async function steps(c: Case): Promise<Results> {
  const { steps, params, options, lrs, momenta } = c.attributes as unknown as {
    steps: number
    params: string[]
    options: Options
    lrs?: number[]
    momenta?: number[]
  }
  const parameters = parametersOf(c, params)
  const optimizer = optimizerOf(c, parameters, options)
  const after: Record<string, number[]> = Object.fromEntries(params.map((name) => [`${name}_after`, []]))
  for (let i = 0; i < steps; i++) {
    for (const name of params) {
      const p = parameters.get(name)
      assign(p.grad!, input(c, `${name}_grads`).values.subarray(i * p.size, (i + 1) * p.size))
    }
    optimizer.advance(i + 1, { ...(lrs && { lr: lrs[i] }), ...(momenta && { momentum: momenta[i] }) })
    optimizer.step()
    const state = await parameters.state()
    for (const name of params) after[`${name}_after`].push(...state.get(name)!.data)
  }
  return after
}

async function fit(c: Case): Promise<Results> {
  const { steps, options, no_decay_bias } = c.attributes as unknown as {
    steps: number
    options: Options
    no_decay_bias?: 1
  }
  const parameters = parametersOf(c, ['w', 'b'])
  const optimizer = optimizerOf(c, parameters, options, no_decay_bias ? parameters.weightsEnd : undefined)
  const [x, labels] = [upload(input(c, 'x')), upload(input(c, 'labels'), { dtype: 'u32' })]
  const step = engine.capture('fit', () => {
    parameters.zeroGrad()
    const { loss } = distillLoss(linear(x, parameters.get('w'), parameters.get('b')), { labels })
    backward(loss)
    optimizer.step()
    return loss
  })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) {
    optimizer.advance(i + 1)
    step.run()
    losses.push(await step.outputs.item())
  }
  step.release()
  return { losses, w_after: parameters.get('w'), b_after: parameters.get('b') }
}

interface ScheduleOptions {
  T_max: number
  eta_min?: number
  gamma?: number
  milestones: number[]
  step_size: number
  start_factor: number
  warmup: number
  total: number
  max_lr: number
  total_steps?: number
  epochs?: number
  steps_per_epoch?: number
  pct_start?: number
  anneal_strategy?: 'cos' | 'linear'
  div_factor?: number
  final_div_factor?: number
  three_phase?: boolean
  cycle_momentum?: boolean
}

/** What an option says, where it says something. */
const given = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T

const SCHEDULES: Record<string, (lr: number, o: ScheduleOptions) => schedules.Schedule> = {
  CosineAnnealingLR: (lr, o) => schedules.cosine(given({ lr, total: o.T_max, minLr: o.eta_min })),
  ExponentialLR: (lr, o) => schedules.exponential({ lr, gamma: o.gamma! }),
  MultiStepLR: (lr, o) => schedules.multiStep(given({ lr, milestones: o.milestones, gamma: o.gamma })),
  StepLR: (lr, o) => schedules.step(given({ lr, stepSize: o.step_size, gamma: o.gamma })),
  linear_warmup_cosine: (lr, o) => {
    const { start_factor: startFactor, warmup, total, eta_min: minLr } = o
    return schedules.linearWarmupCosine(given({ lr, startFactor, warmup, total, minLr }))
  },
  OneCycleLR: (_, o) =>
    schedules.oneCycle(
      given({
        maxLr: o.max_lr,
        totalSteps: o.total_steps ?? o.epochs! * o.steps_per_epoch!,
        pctStart: o.pct_start,
        annealStrategy: o.anneal_strategy,
        divFactor: o.div_factor,
        finalDivFactor: o.final_div_factor,
        threePhase: o.three_phase,
        cycleMomentum: o.cycle_momentum,
      }),
    ),
}

function schedule(c: Case): Results {
  const { scheduler, steps, base_lr, options } = c.attributes as unknown as {
    scheduler: string
    steps: number
    base_lr: number
    options: ScheduleOptions
  }
  const make = SCHEDULES[scheduler] ?? refuse('lr_schedule', 'scheduler', scheduler)
  const rates = Array.from({ length: steps }, (_, i) => make(base_lr, options)(i))
  // A schedule that leaves momentum alone leaves the optimizer's, which is 0.9 in these cases.
  return { lr: rates.map((r) => r.lr), momentum: rates.map((r) => r.momentum ?? 0.9) }
}

export const torchTraining: Adapters = { optimizer_steps: steps, optimizer_fit: fit, lr_schedule: schedule }
