// `--print-config`: the recipe as JSON, fit for `--config`, and the loss of every cell, of those that differ only in
// seed once.
import type { StudyArguments } from './args.ts'
import { LOSS_NOTE, lossesOf } from './formulas.ts'
import { ranges } from './shards.ts'
import type { Stage } from './stage.ts'

/** What goes to standard output and, the losses, to standard error; with `json` both are one document. */
export function printConfig(
  stages: readonly Stage[],
  { recipe, json }: Pick<StudyArguments, 'recipe' | 'json'>,
): { out: string; err: string } {
  const numbers = new Map(stages.map(({ id }, i) => [id, i + 1]))
  const cells = stages.map((stage, i) => ({ number: i + 1, id: stage.id, ...lossesOf(stage, numbers) }))
  if (json) return { out: `${JSON.stringify({ schemaVersion: 1, recipe, cells }, null, 2)}\n`, err: '' }
  const alike = new Map<string, number[]>()
  for (const [i, stage] of stages.entries()) {
    const same = withoutSeed(stage)
    alike.set(same, [...(alike.get(same) ?? []), i])
  }
  const lines = [...alike.values()].flatMap(([first, ...more]) => {
    const { number, id, losses, where } = cells[first]
    const seeds = ranges(more.map((i) => stages[i].seed))
    const likewise = more.length ? `  (likewise of seed${more.length > 1 ? 's' : ''} ${seeds})` : ''
    return [`${number}  ${id}${likewise}`, ...[...losses, ...where].map((line) => `   ${line}`)]
  })
  return { out: `${JSON.stringify(recipe, null, 2)}\n`, err: `${[...lines, LOSS_NOTE].join('\n')}\n` }
}

/** What is told of a stage, as text that is equal for stages that differ only in seed. */
function withoutSeed({ id, nodes, edges, virtual, seed }: Stage): string {
  return JSON.stringify([id, nodes, edges, virtual]).replaceAll(`"seed${seed}/`, '"')
}
