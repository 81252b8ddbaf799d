// How studies of TriKD's rows test its claims, a phrase each, taken from what is there: which generation, which
// widths, temperatures and weights.
import type { Cells } from './compare.ts'
import { type Group, methodName } from './groups.ts'
import { listOf, temperaturesOf } from './select.ts'
import { control, controlAtEnd, lastOf, pick, widthsOf } from './triplet.ts'

const distinct = <T>(values: T[]): T[] => [...new Set(values)]

/** 'KD at T = 4', 'KD, mean over T = 1, 4'. */
export function kdAt(groups: Group[]): string {
  const temperatures = temperaturesOf(pick(groups, { method: 'kd' })).join(', ')
  return temperatures.includes(',') ? `KD, mean over T = ${temperatures}` : `KD at T = ${temperatures}`
}

const onlineKd = (note: string) => `online KD from ${note === '' ? 'the same' : 'other'} weights`

export function minusEach({ groups }: Cells, rivals: string[]): string {
  const there = pick(groups, {}).filter(({ method }) => rivals.includes(method))
  const kinds = distinct(there.flatMap(({ teacher }) => teacher ?? []))
  const online = controlAtEnd(groups)
  const names = distinct(there.map(({ method }) => methodName(method)))
  const rivalsFrom = names.length ? [`each of ${listOf(names)} from other weights`] : []
  const teachers = kinds.length ? `, ${listOf(kinds)} teachers` : ''
  return `last generation minus ${listOf([...rivalsFrom, ...(online.groups.length ? [onlineKd(online.note)] : [])])}${teachers}`
}

export function ofTheLoss({ groups }: Cells): string {
  const crossed = pick(groups, { method: 'ablation', peerLoss: 'CE+S+A' }).length > 0
  return crossed
    ? 'first generation minus each part of its loss, the teacher with its whole loss and the same weights'
    : 'first generation minus the anchor alone, online KD and supervised, where these start from different initial weights'
}

export function overGenerations({ groups }: Cells): string {
  const last = lastOf(groups)
  return `gain in accuracy over ${onlineKd(control(groups, last).note)}, generations 1 to ${last}`
}

export function largeAgainstUsual({ groups }: Cells): string {
  return `width ${widthsOf(groups)[0]} against the usual teacher, ${kdAt(groups)}`
}

export function againstOnlineKd({ groups }: Cells): string {
  return `last generation minus ${onlineKd(controlAtEnd(groups).note)}`
}

export function againstFinished({ groups }: Cells): string {
  return `last generation: teacher within 1 point of the finished one, KL to the student below that of ${kdAt(groups)}`
}
