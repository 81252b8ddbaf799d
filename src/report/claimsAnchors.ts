// K3 and K4 with the course of training: how high, and how soon.
import type { Part } from './claim.ts'
import { similar, TRIKD_CLAIMS } from './claimsTrikd.ts'
import type { Cells, Claim } from './compare.ts'
import { control, lastOf, pick, versus } from './triplet.ts'

function labelsOnly({ groups }: Cells): Part[] | string {
  const labels = pick(groups, { method: 'labelAnchor', generation: 1 })
  const curriculum = pick(groups, { method: 'trikd', generation: 1 })
  if (labels.length === 0 || curriculum.length === 0) return 'no rows with an anchor of labels and one of online KD'
  const slower = { statistic: 'epochs to 99 % of the final accuracy on images held out', unit: 'number' as const }
  const area = { statistic: 'mean accuracy over epochs on images held out', measure: 'curveArea' as const }
  return [
    ...similar(labels, curriculum, true),
    versus(labels, curriculum, { ...slower, measure: 'epochsTo99', side: 'above' }),
    versus(labels, curriculum, { ...area, side: 'below', decides: false }),
  ]
}

/** Each generation against online KD from its own weights: sooner? */
function sooner({ groups }: Cells): Part[] | string {
  const last = lastOf(groups)
  const parts = Array.from({ length: last }, (_, i): Part[] => {
    const generation = i + 1
    const online = control(groups, generation)
    const ours = pick(groups, { method: 'trikd', generation })
    if (ours.length === 0 || online.groups.length === 0) return []
    const area = { statistic: 'mean accuracy over epochs on images held out', measure: 'curveArea' as const }
    return [versus(ours, online.groups, { ...area, side: 'above', decides: i === 0 }, online.note)]
  }).flat()
  return parts.length ? parts : 'no TriKD rows beside online KD'
}

export const ANCHOR_CLAIMS: Claim[] = [
  ...TRIKD_CLAIMS.filter(({ id }) => id === 'K3'),
  {
    id: 'K4',
    text: 'An anchor trained with labels only ends at a similar accuracy but converges more slowly',
    source: 'paper',
    here: 'first generation: accuracy within 1 point, and epochs to 99 % of it on images held out',
    test: labelsOnly,
  },
  {
    id: 'A1',
    text: 'With an anchor training is ahead of online KD on the mean over its epochs',
    source: 'our question',
    here: 'first generation minus online KD, accuracy on images held out over all epochs',
    test: sooner,
  },
]
