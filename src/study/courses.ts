// What the epochs of a cell become in the results: learning curves, what they say in a number, and the map of
// functions.
import { scaled, squaredDistances } from '../report/functionMap.ts'
import type { Curve, MapPoint, Results, Row } from '../report/rows.ts'
import type { Cell } from './cells.ts'
import { outputsOf } from './course.ts'
import { isTeacher, type Label, type Stage } from './stage.ts'
import type { Curve as Epochs } from './store.ts'

const LETTERS: Record<string, string> = { teacher: 'T', anchor: 'A', student: 'S' }

/** Role and losses of a network; only TriKD's stages, which have generations, tell their losses. */
export function kindOf(
  { nodes, edges }: Stage,
  { generation }: Label,
  name: string,
): Pick<Row, 'role' | 'loss' | 'peerLoss'> {
  const lossOf = (to: string) => {
    const terms = edges.filter((edge) => edge.to === to && typeof edge.from === 'string')
    return ['CE', ...terms.map(({ from }) => LETTERS[from as string])].join('+')
  }
  const peer = name === 'teacher' ? 'student' : 'teacher'
  return {
    ...(name === 'teacher' ? { role: 'teacher' } : {}),
    ...(generation === undefined ? {} : { loss: lossOf(name) }),
    ...(generation === undefined || !nodes[peer] ? {} : { peerLoss: lossOf(peer) }),
  }
}

/** One a network; of a cohort one, the mean over its members. */
export function curvesOf(stage: Stage, label: Label, points: Epochs): Curve[] {
  const names = Object.keys(points[0]?.nodes ?? {})
  const members = names.filter((name) => name.startsWith('member'))
  const families = members.length ? [members] : names.map((name) => [name])
  return families.map((family) => {
    const mean = (value: (name: string) => number) => {
      return family.reduce((sum, name) => sum + value(name), 0) / family.length
    }
    return {
      ...label,
      ...kindOf(stage, label, family[0]),
      size: stage.views[stage.nodes[family[0]].view].size,
      seed: stage.seed,
      points: points.map(({ epoch, nodes, looks }) => ({
        epoch,
        trainLoss: mean((name) => nodes[name].total),
        trainAccuracy: mean((name) => nodes[name].hit),
        ...(looks && {
          accuracy: mean((name) => looks[name].test.accuracy),
          nll: mean((name) => looks[name].test.nll),
          ece: mean((name) => looks[name].test.ece),
          heldOut: mean((name) => looks[name].heldOut.accuracy),
        }),
      })),
    }
  })
}

/** Best epochs, and how soon a network was as good as it became; nothing where epochs were not looked at. */
export function courseOf(
  points: Epochs,
  name: string,
): Partial<Pick<Row, 'bestHeldOut' | 'bestOnTest' | 'heldOutNll' | 'epochsTo99' | 'curveArea'>> {
  const looks = points.flatMap(({ epoch, looks }) => (looks?.[name] ? [{ epoch, ...looks[name] }] : []))
  if (looks.length === 0) return {}
  const held = looks.map(({ heldOut }) => heldOut.accuracy)
  const tested = looks.map(({ test }) => test.accuracy)
  const last = held[held.length - 1]
  return {
    bestHeldOut: tested[held.indexOf(Math.max(...held))],
    bestOnTest: Math.max(...tested),
    heldOutNll: looks[looks.length - 1].heldOut.nll,
    epochsTo99: looks.find(({ heldOut }) => heldOut.accuracy >= 0.99 * last)!.epoch,
    curveArea: held.reduce((sum, x) => sum + x, 0) / held.length,
  }
}

/**
 * The networks of TriKD's stages of the first seed and size after every epoch, where their answers were kept: on one
 * map all epochs, on another the second half of them.
 */
export function mapOf(
  stages: readonly Stage[],
  cells: ReadonlyMap<string, Cell>,
): Pick<Results, 'map' | 'mapEnd' | 'mapShare' | 'mapEndShare'> {
  const kept = stages.filter(
    ({ looks, label }) => looks?.outputs && !isTeacher(label) && label.generation !== undefined,
  )
  const points: Omit<MapPoint, 'x' | 'y'>[] = []
  const outputs: Float32Array[] = []
  let classes = 0
  for (const stage of kept) {
    const { seed, label } = stage
    if (seed !== kept[0].seed || label.size !== kept[0].label.size || isTeacher(label)) continue
    for (const { epoch, looks = {} } of cells.get(stage.id)?.outcome?.curve ?? []) {
      for (const [name, look] of Object.entries(looks)) {
        points.push({ ...label, ...kindOf(stage, label, name), seed, epoch })
        outputs.push(outputsOf(look))
        classes = stage.nodes[name].network.classes!
      }
    }
  }
  if (points.length < 3) return {}
  const squared = squaredDistances(outputs, classes)
  const placed = (some: number[]) => {
    const { points: places, share } = scaled(some.map((i) => Float64Array.from(some, (j) => squared[i][j])))
    const map = some.map((i, k): MapPoint => ({ ...points[i], x: places[k][0], y: places[k][1] }))
    // Rounding may carry it past 1.
    return { map, share: Math.min(1, share) }
  }
  const all = points.map((_, i) => i)
  const epochs = Math.max(...points.map(({ epoch }) => epoch))
  const end = all.filter((i) => 2 * points[i].epoch > epochs)
  const [whole, late] = [placed(all), end.length < 3 ? null : placed(end)]
  const { map, share: mapShare } = whole
  return { map, mapShare, ...(late && { mapEnd: late.map, mapEndShare: late.share }) }
}
