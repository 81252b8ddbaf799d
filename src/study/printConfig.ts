// `--print-config`: the recipe as JSON, fit for `--config`, and the loss of every cell.
import type { StudyArguments } from './args.ts'
import { LOSS_NOTE, lossesOf } from './formulas.ts'
import type { Stage } from './stage.ts'

/** What goes to standard output and, the losses, to standard error; with `json` both are one document. */
export function printConfig(
  stages: readonly Stage[],
  { recipe, json }: Pick<StudyArguments, 'recipe' | 'json'>,
): { out: string; err: string } {
  const numbers = new Map(stages.map(({ id }, i) => [id, i + 1]))
  const cells = stages.map((stage, i) => ({ number: i + 1, id: stage.id, ...lossesOf(stage, numbers) }))
  if (json) return { out: `${JSON.stringify({ schemaVersion: 1, recipe, cells }, null, 2)}\n`, err: '' }
  const lines = cells.flatMap(({ number, id, losses, where }) => [
    `${number}  ${id}`,
    ...[...losses, ...where].map((line) => `   ${line}`),
  ])
  return { out: `${JSON.stringify(recipe, null, 2)}\n`, err: `${[...lines, LOSS_NOTE].join('\n')}\n` }
}
