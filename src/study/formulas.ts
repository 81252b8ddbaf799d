// The losses in force, read off the graphs that are trained and not from a description of them.
import { formula } from '../distill/graph.ts'
import { labelOf } from '../report/groups.ts'
import type { Recipe } from './recipe.ts'
import type { Stage } from './stage.ts'

/** A line a kind of cell: its name and the loss of its (first) trained network, with letters for T and τ. */
export function formulas(stages: readonly Stage[], recipe: Recipe): [string, string][] {
  const lines = new Map<string, string>()
  for (const stage of stages) {
    const { label } = stage
    const name = 'method' in label ? labelOf(label) : 'teacher'
    if (lines.has(name)) continue
    // A number that is no number stands for a letter; it comes out as NaN.
    const letter = (value: unknown) => (typeof value === 'number' ? value : Number.NaN)
    const swept = 'method' in label && label.temperature !== null
    const edges = stage.edges.map((edge) => ({
      ...edge,
      tau: letter(edge.tau),
      temperature: swept ? Number.NaN : edge.temperature,
    }))
    const [first] = formula({ nodes: stage.nodes, edges })
    const raw = 'teacher' in label && label.teacher === 'raw'
    const list = (raw ? recipe.rawTemperatures : recipe.temperatures).join(', ')
    lines.set(name, first.replace('T=NaN', `T = ${list}`).replace('NaN²', 'T²').replace('/NaN', '/τ'))
  }
  return [...lines]
}
