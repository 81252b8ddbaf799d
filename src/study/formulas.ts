// The losses in force, read off the graphs that are trained and not from a description of them.
import { formula } from '../distill/graph.ts'
import { labelOf } from '../report/groups.ts'
import type { Stage } from './stage.ts'

/** How all of them are to be read. */
export const LOSS_NOTE = '(means over the batch, natural logarithms, no gradient through what stands left of ‖)'

/** A line a kind of cell: its name and the losses of its networks, with letters for T and τ; of a cohort the first. */
export function formulas(stages: readonly Stage[]): [string, string][] {
  const kinds = new Map<string, Stage[]>()
  for (const stage of stages) kinds.set(nameOf(stage), [...(kinds.get(nameOf(stage)) ?? []), stage])
  return [...kinds].map(([name, same]) => {
    const temperatures = [...new Set(same.flatMap(({ edges }) => edges.map(({ temperature }) => temperature)))]
    const [{ nodes, edges, label }] = same
    // A number that is no number stands for a letter; it comes out as NaN.
    const letter = (value: unknown) => (typeof value === 'number' ? value : Number.NaN)
    const swept = 'method' in label && label.temperature !== null
    const lettered = edges.map((edge) => {
      return { ...edge, tau: letter(edge.tau), temperature: swept ? Number.NaN : edge.temperature }
    })
    const told = formula({ nodes, edges: lettered }).filter((line) => !/^L\(member[1-9]/.test(line))
    const list = temperatures.join(', ')
    const text = told.join('; ').replaceAll('T=NaN', `T = ${list}`).replaceAll('NaN²', 'T²').replaceAll('/NaN', '/τ')
    return [name, text]
  })
}

/**
 * The losses of one cell's trained networks, and where what they name comes from: cells by their numbers. τ and virtual
 * teachers are letters, told under `where`.
 */
export function lossesOf(
  { nodes, edges, virtual }: Stage,
  numbers: ReadonlyMap<string, number>,
): { losses: string[]; where: string[] } {
  const lettered = edges.map((edge) => ({ ...edge, tau: typeof edge.tau === 'number' ? edge.tau : Number.NaN }))
  const losses = formula({ nodes, edges: lettered }).map((line) => line.replaceAll('/NaN', '/τ'))
  const where: string[] = []
  for (const [name, { from, trained }] of Object.entries(nodes)) {
    if (typeof from === 'string') continue
    const begins = trained ? 'starts as' : 'is'
    where.push(`${name} ${begins} the ${from.node} of cell ${numbers.get(from.stage)}, ${from.stage}`)
  }
  const fitted = edges.flatMap(({ tau }) => (typeof tau === 'number' ? [] : [numbers.get(tau.stage)]))
  if (fitted.length > 0) where.push(`τ is fitted in cell ${[...new Set(fitted)].join(', ')} on images held out`)
  if (virtual !== undefined) where.push(toldOf(virtual))
  return { losses, where }
}

const SMOOTHED = {
  none: ', at any temperature',
  logits: '',
  probabilities: ', p; at a temperature T it is softmax(p/T)',
}

function toldOf(virtual: NonNullable<Stage['virtual']>): string {
  const [probability, more] =
    typeof virtual === 'number' ? [virtual, ''] : [virtual.probability, SMOOTHED[virtual.smoothing]]
  return `virtual has probability ${probability} at the label and equal ones at all else${more}`
}

/** Generations share a formula; seeds, sizes and widths too. */
function nameOf({ id, label, nodes }: Stage): string {
  if (!('method' in label) || Object.keys(nodes).join() === 'teacher') return 'teacher'
  if (label.method === 'ablation') return id.replace(/^.*ablation/, 'ablation')
  return labelOf({ ...label, generation: undefined, teacherWidth: undefined, at: undefined })
}
