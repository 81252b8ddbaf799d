// A result as elements of a page. Everything that came with it is text, never markup.
import { type BenchResults, type KernelResult, secondsOf } from '../../src/bench/results.ts'
import { ms, or, share, spreadOf } from '../../src/bench/text.ts'
import { significant } from '../../src/report/format.ts'

export function make(name: string, text = '', attributes: Record<string, string> = {}): HTMLElement {
  const made = document.createElement(name)
  made.textContent = text
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

const HEAD = ['GFLOP/s', 'of peak', 'ms', 'spread', 'GB/s', 'of copy', 'deviation']

/** Rows by op and pass. Narrow screens show a row as a block, so its parts keep their roles and carry their labels. */
export function tableOf({ kernels }: BenchResults): HTMLElement {
  const table = make('table', '', { role: 'table' })
  const head = make('tr', '', { role: 'row' })
  head.append(make('th', 'kernel', { role: 'columnheader', scope: 'col' }))
  for (const label of HEAD) head.append(make('th', label, { role: 'columnheader', scope: 'col' }))
  const top = make('thead', '', { role: 'rowgroup' })
  top.append(head)
  table.append(top)
  const several = kernels.some(({ kernel }) => kernel !== 'ours')
  for (const [title, rows] of groups(kernels)) {
    const group = make('tbody', '', { role: 'rowgroup' })
    const line = make('tr', '', { role: 'row', class: 'group' })
    line.append(make('th', title, { role: 'rowheader', scope: 'rowgroup', colspan: String(HEAD.length + 1) }))
    group.append(line, ...rows.map((each) => rowOf(each, several ? ` ${each.kernel}` : '')))
    table.append(group)
  }
  return table
}

function groups(kernels: readonly KernelResult[]): Map<string, KernelResult[]> {
  const found = new Map<string, KernelResult[]>()
  for (const each of kernels) {
    const title = `${each.op} ${each.pass}`
    found.set(title, [...(found.get(title) ?? []), each])
  }
  return found
}

function rowOf(result: KernelResult, whose: string): HTMLElement {
  const { shape, gflops, gbs, ofPeak, ofCopy, check } = result
  const row = make('tr', '', { role: 'row' })
  const name = make('th', shape, { role: 'rowheader', scope: 'row' })
  if (whose) name.append(make('b', whose))
  row.append(name)
  const time = secondsOf(result)
  const deviation = check.error.toExponential(1)
  if (!time) {
    const text = `WRONG: deviates by ${deviation}, not timed`
    row.append(make('td', text, { role: 'cell', class: 'wrong', colspan: String(HEAD.length) }))
    return row
  }
  const cells = [or(gflops), share(ofPeak), ms(time.median), spreadOf(time), or(gbs), share(ofCopy), deviation]
  for (const [i, text] of cells.entries()) row.append(make('td', text, { role: 'cell', 'data-label': HEAD[i] }))
  for (const [i, value] of [[1, ofPeak] as const, [5, ofCopy] as const]) {
    if (value === null) continue
    const bar = row.querySelectorAll('td')[i]
    bar.classList.add('bar')
    bar.style.setProperty('--share', `${(100 * Math.min(1, value)).toFixed(1)}%`)
  }
  return row
}

/** Label and text of everything that a table has to be read with. */
export function factsOf(results: BenchResults): [string, string][] {
  const { peaks, features, subgroupSize, rounds, kernels, version, commit, date } = results
  const wrong = kernels.filter(({ check }) => !check.ok).length
  const byDevice = kernels.some(({ device }) => device)
  return [
    ['multiply-add peak', `${significant(peaks.gflops)} GFLOP/s`],
    ['copy peak', `${significant(peaks.gbs)} GB/s`],
    ['kernels', `${kernels.length}, ${wrong === 0 ? 'all right' : `${wrong} WRONG`}`],
    ['times', `${byDevice ? "the GPU's timestamps" : 'wall clock: no timestamps here'}, medians of ${rounds}`],
    ['subgroups', subgroupSize ? `of ${subgroupSize}` : 'of no known size'],
    ['measured', `${date.slice(0, 16).replace('T', ' ')} UTC`],
    ['version', commit ? `${version} (${commit})` : version],
    ['features', features.join(', ') || 'none'],
    ['browser', results.userAgent ?? 'none, in Node'],
  ]
}
