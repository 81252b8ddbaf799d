// `--list`: the cells of a study by number, what they need, and how far they are.
import { nodeFiles } from '../node/files.ts'
import type { StudyArguments } from './args.ts'
import { flopsByStage } from './pace.ts'
import type { Study } from './plan.ts'
import { needs, type Stage } from './stage.ts'
import { Store } from './store.ts'

/** A cell as lists and event logs tell it; numbers begin at 1. */
export interface Listed {
  number: number
  id: string
  key: string
  needs: number[]
  flops: number
}

export function outline({ data, stages, keys }: Pick<Study, 'data' | 'stages' | 'keys'>): Listed[] {
  const flops = flopsByStage({ data, stages })
  const numbers = new Map(stages.map(({ id }, i) => [id, i + 1]))
  return stages.map((stage: Stage, i) => ({
    number: i + 1,
    id: stage.id,
    key: keys.get(stage.id)!,
    needs: needs(stage).map((need) => numbers.get(need)!),
    flops: flops.get(stage.id)!,
  }))
}

export async function list(study: Study, { out, json }: Pick<StudyArguments, 'out' | 'json'>): Promise<number> {
  const store = new Store(nodeFiles, `${out}/cells`)
  const cells = []
  for (const cell of outline(study)) {
    const { state, holder } = await store.state(cell.key)
    cells.push({ ...cell, state, ...(holder ? { host: holder.host, pid: holder.pid } : {}) })
  }
  if (json) process.stdout.write(`${JSON.stringify({ schemaVersion: 1, cells }, null, 1)}\n`)
  else {
    const width = String(cells.length).length
    for (const { number, id, key, state, needs, host } of cells) {
      const after = needs.length ? `  after ${needs.join(', ')}` : ''
      const where = host ? `  on ${host}` : ''
      process.stdout.write(`${String(number).padStart(width)}  ${state.padEnd(7)}  ${key}  ${id}${after}${where}\n`)
    }
    const done = cells.filter(({ state }) => state === 'done').length
    process.stdout.write(`${done} of ${cells.length} cells are done\n`)
  }
  return 0
}
