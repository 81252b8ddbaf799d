// One table: our time, and how many times as long each rival takes.

/** The value below which a share of the sorted values lies. */
function quantile(sorted, share) {
  const at = share * (sorted.length - 1)
  const [low, high] = [Math.floor(at), Math.ceil(at)]
  return sorted[low] + (at - low) * (sorted[high] - sorted[low])
}

export function spread(seconds) {
  const sorted = [...seconds].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), q1: quantile(sorted, 0.25), q3: quantile(sorted, 0.75), n: sorted.length }
}

const short = (value) => (value >= 99.5 ? value.toFixed(0) : value.toPrecision(value >= 9.95 ? 3 : 2))

/** Milliseconds, with half the distance of the quartiles in percent. */
function time({ median, q1, q3 }) {
  return `${short(1000 * median)} ms ±${Math.round((50 * (q3 - q1)) / median)} %`
}

function rowsOf({ contestants, cases }) {
  const rivals = contestants.filter(({ name, absent }) => name !== 'ours' && !absent).map(({ name }) => name)
  const gpu = new Set(contestants.filter(({ webgpu }) => webgpu).map(({ name }) => name))
  const head = ['case', 'ours', 'GFLOP/s', 'best WebGPU rival', ...rivals, 'n']
  const rows = cases.map(({ name, flops, entrants }) => {
    const times = new Map(
      entrants.filter((each) => !each.void && each.seconds.length > 0).map((e) => [e.name, spread(e.seconds)]),
    )
    const ours = times.get('ours')
    const of = (rival) => times.get(rival) && ours && times.get(rival).median / ours.median
    const cell = (rival) => {
      const entrant = entrants.find((each) => each.name === rival)
      if (!of(rival)) return entrant?.lacks || !entrant ? '–' : 'void'
      const { n } = times.get(rival)
      return `${short(of(rival))}x (${time(times.get(rival))}${n === ours.n ? '' : `, n ${n}`})`
    }
    const peers = rivals
      .filter((rival) => gpu.has(rival))
      .map(of)
      .filter(Boolean)
    return [
      name,
      ours ? time(ours) : 'void',
      flops && ours ? short(flops / ours.median / 1e9) : '',
      peers.length > 0 ? `${short(Math.min(...peers))}x` : '',
      ...rivals.map(cell),
      ours ? String(ours.n) : '',
    ]
  })
  return [head, ...rows]
}

function notes({ date, adapter, cores, rounds, contestants, cases }) {
  const voids = cases.flatMap(({ name, entrants }) =>
    entrants.filter((each) => each.void && !each.lacks).map((each) => `void: ${name}, ${each.name}: ${each.void}`),
  )
  return [
    ...contestants.map(({ name, about, absent }) => `${name}: ${absent ? `void, ${absent}` : about}`),
    ...voids,
    `${date.slice(0, 10)}, ${adapter}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${rounds} rounds. 5x: the rival takes five times our time;` +
      ' below 1x it is faster. Medians ± half the distance of the quartiles.',
  ]
}

/** One line while the run goes on. */
export function summary({ name, entrants }) {
  const each = entrants
    .filter(({ lacks }) => !lacks)
    .map(
      ({ name, seconds, void: why }) =>
        `${name} ${why ? `void, ${why}` : `${short(1000 * spread(seconds).median)} ms`}`,
    )
  return `${name}: ${each.join('; ')}`
}

export function table(run) {
  const rows = rowsOf(run)
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  )
  return [...lines, '', ...notes(run)].join('\n')
}

export function markdown(run) {
  const [head, ...rows] = rowsOf(run).map((row) => `| ${row.join(' | ')} |`)
  const rule = `|${rowsOf(run)[0]
    .map(() => ' --- |')
    .join('')}`
  return [head, rule, ...rows, '', ...notes(run).map((note) => `- ${note}`)].join('\n')
}
