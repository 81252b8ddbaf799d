// Does this engine agree with the PyTorch reference? An entry does when |ours - reference| <= 2.5 s √(1/n + 1/6), with
// s the reference's spread of one seed and n our seeds; at least 95 % of the entries must, and of the paired
// differences.
import { fullLabel, type Group, groupRows, perSeed } from './groups.ts'
import { REFERENCE, type ReferenceEntry, type ReferenceLine } from './reference.ts'
import type { Metric, Results } from './rows.ts'
import { mean, paired } from './stats.ts'

const REQUIRED_SHARE = 0.95

export interface AgreementEntry {
  label: string
  size: number
  metric: Metric
  n: number
  ours: number
  reference: number
  /** Largest |ours - reference| that agrees; null where no spread is on file. */
  allowed: number | null
  /** null: shown, not judged. */
  agrees: boolean | null
}

export interface Tally {
  entries: AgreementEntry[]
  judged: number
  agreeing: number
  /** null where nothing could be judged. */
  passes: boolean | null
}

export interface Agreement {
  comparable: boolean
  /** Why the run cannot be compared; empty where it can. */
  reason: string
  entries: Tally
  differences: Tally
}

/** Compares a run of the reference's own protocol with it. Other runs are not comparable, and it says why. */
export function agreement({ run, rows, teachers }: Pick<Results, 'run' | 'rows' | 'teachers'>): Agreement {
  const reason = whyNot(run)
  if (reason) return { comparable: false, reason, entries: tally([]), differences: tally([]) }
  const groups = groupRows(rows)
  const entries = REFERENCE.entries.flatMap((entry) => {
    const values = [...valuesOf(groups, entry, entry.size, entry.metric).values()]
    return values.length ? [judge(fullLabel(entry), entry, mean(values), values.length, entry.half)] : []
  })
  const teacher = teachers.filter(
    ({ role, status, accuracy }) => role === 'full' && status === 'ok' && accuracy !== null,
  )
  if (teacher.length) {
    const reference = { size: teacher[0].size, metric: 'accuracy' as const, value: REFERENCE.teacher.accuracy }
    const ours = mean(teacher.map(({ accuracy }) => accuracy!))
    entries.push(judge('teacher', reference, ours, teacher.length, REFERENCE.teacher.accuracyHalf))
  }
  return { comparable: true, reason: '', entries: tally(entries), differences: tally(compareDifferences(groups)) }
}

function compareDifferences(groups: Group[]): AgreementEntry[] {
  const found: AgreementEntry[] = []
  for (const [a, b] of REFERENCE.pairs) {
    for (const size of [...new Set(REFERENCE.entries.map((entry) => entry.size))]) {
      for (const metric of ['accuracy', 'ece'] as const) {
        const ours = paired(valuesOf(groups, a, size, metric), valuesOf(groups, b, size, metric))
        if (!ours) continue
        const [left, right] = [a, b].map((line) => entryOf(line, size, metric))
        const onFile = REFERENCE.differences.find(
          (d) => sameLine(d.a, a) && sameLine(d.b, b) && d.size === size && d.metric === metric,
        )
        // Where the paired spread is not on file, that of independent runs stands in: wider, so the test is milder.
        const half = onFile?.half ?? Math.hypot(left.half!, right.half!)
        const reference = { size, metric, value: onFile?.value ?? left.value - right.value }
        found.push(judge(`${fullLabel(a)} minus ${fullLabel(b)}`, reference, ours.mean, ours.n, half))
      }
    }
  }
  return found
}

function judge(
  label: string,
  { size, metric, value }: Pick<ReferenceEntry, 'size' | 'metric' | 'value'>,
  ours: number,
  n: number,
  half: number | null,
): AgreementEntry {
  const allowed = half === null ? null : allowance(half, n)
  const agrees = allowed === null ? null : Math.abs(ours - value) <= allowed
  return { label, size, metric, n, ours, reference: value, allowed, agrees }
}

/** 2.5 s √(1/n + 1/6) from the half width that the reference prints. */
export function allowance(half: number, n: number): number {
  return 2.5 * (half / REFERENCE.halfPerSd) * Math.sqrt(1 / n + 1 / REFERENCE.seeds)
}

function tally(entries: AgreementEntry[]): Tally {
  const judged = entries.filter(({ agrees }) => agrees !== null).length
  const agreeing = entries.filter(({ agrees }) => agrees).length
  return { entries, judged, agreeing, passes: judged ? agreeing >= REQUIRED_SHARE * judged : null }
}

function whyNot({ preset, dataset, paper = 'cqkd', overrides = [] }: Results['run']): string {
  if (paper !== 'cqkd') return `the reference is of CQKD, this run of ${paper}`
  if (preset !== REFERENCE.preset) return `the reference is of the preset ${REFERENCE.preset}, this run of ${preset}`
  if (plain(dataset) !== plain(REFERENCE.dataset))
    return `the reference is of ${REFERENCE.dataset}, this run of ${dataset}`
  if (overrides.length) return `this run departs from the preset: ${overrides.join(' ')}`
  return ''
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

function valuesOf(groups: Group[], line: ReferenceLine, size: number, metric: Metric): Map<number, number> {
  return perSeed(
    groups.filter((group) => group.size === size && sameLine(group, line)).flatMap(({ rows }) => rows),
    metric,
  )
}

function entryOf(line: ReferenceLine, size: number, metric: Metric): ReferenceEntry {
  return REFERENCE.entries.find((entry) => entry.size === size && entry.metric === metric && sameLine(entry, line))!
}

function sameLine(a: ReferenceLine, b: ReferenceLine): boolean {
  return a.method === b.method && a.temperature === b.temperature && a.teacher === b.teacher
}
