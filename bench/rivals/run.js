// Times this engine beside other libraries: the same cases, results compared, one adapter, rounds that take turns.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cases } from './cases/index.js'
import { Contestant, contestants } from './contestant.js'
import { measure } from './measure.js'
import { markdown, summary, table } from './table.js'

const HELP = `node run.js [options]

  --filter A,B        only cases whose name contains one of these
  --against A,B       only contestants whose name begins with one of these; ours always takes part
  --rounds N          measurements of each contestant, default 7
  --patience S        a contestant that has used this many seconds for a case stops after 3 rounds, default 60
  --limit S           a contestant that has not answered within this is void for the case, default 600
  --adapter NAME      as the engine's programs take it: auto, hardware, lavapipe, swiftshader, or a part of a name
  --no-subgroups      ours as on an adapter without subgroups; the rivals use none anyway
  --own-waiting       ours waits as it does in a program, asleep for half of the expected time, and the rivals do not
  --engine FILE       the engine's entry, default ../../dist/node.js
  --json FILE         everything that was measured
  --markdown          the table as Markdown
  --list              the cases, nothing is run`

const options = {
  filter: { type: 'string', default: '' },
  against: { type: 'string', default: '' },
  rounds: { type: 'string', default: '7' },
  patience: { type: 'string', default: '60' },
  limit: { type: 'string', default: '600' },
  adapter: { type: 'string', default: 'auto' },
  'no-subgroups': { type: 'boolean', default: false },
  'own-waiting': { type: 'boolean', default: false },
  engine: { type: 'string', default: fileURLToPath(new URL('../../dist/node.js', import.meta.url)) },
  json: { type: 'string' },
  markdown: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
}

const { values: flags } = parseArgs({ options })
const parts = (text) => text.split(',').filter(Boolean)
const chosen = cases.filter(
  ({ name }) => flags.filter === '' || parts(flags.filter).some((part) => name.includes(part)),
)
if (flags.help) console.log(HELP)
else if (flags.list) for (const { name } of chosen) console.log(name)
else await main()

async function main() {
  const [rounds, patience, limit] = [flags.rounds, flags.patience, flags.limit].map(Number)
  if (!(rounds >= 1 && patience >= 0 && limit > 0))
    throw new Error(`--rounds ${flags.rounds} --patience ${flags.patience} --limit ${flags.limit}`)
  if (chosen.length === 0) throw new Error(`--filter ${flags.filter}: no case; --list shows them`)
  const log = (line) => console.error(line)
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const { 'no-subgroups': without, 'own-waiting': ownWaiting } = flags
  const shared = { engine: resolve(flags.engine), adapter: flags.adapter, version, subgroups: !without, ownWaiting }
  const cores = availableParallelism()
  const all = contestants(cores)
    .filter(
      ({ name }) => name === 'ours' || !flags.against || parts(flags.against).some((part) => name.startsWith(part)),
    )
    .map((entry) => new Contestant(entry, shared, limit))
  for (const contestant of all) {
    await contestant.start()
    const [{ adapter }] = all
    if (contestant.webgpu && !contestant.absent && contestant.adapter !== adapter)
      contestant.absent = `it is on ${contestant.adapter}, ours on ${adapter}`
    log(
      contestant.absent ? `${contestant.name}: void, ${contestant.absent}` : `${contestant.name}: ${contestant.about}`,
    )
  }
  const [{ adapter }] = all
  log(`adapter: ${adapter}`)
  const present = all.filter(({ absent }) => !absent)
  const folder = join(tmpdir(), `rivals-${process.pid}`)
  process.once('exit', () => {
    for (const contestant of all) contestant.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  process.once('SIGTERM', () => process.exit(143))
  const about = all.map(({ name, about, absent, webgpu }) => ({ name, about, absent, webgpu }))
  const run = { date: new Date().toISOString(), adapter, cores, rounds, contestants: about, cases: [] }
  let stopped = false
  process.once('SIGINT', () => {
    stopped = true
    log('stopping after this case; once more to stop at once')
    process.once('SIGINT', () => process.exit(130))
  })
  for (const [i, one] of chosen.entries()) {
    if (stopped) break
    const start = performance.now()
    const result = await measure(one, present, { folder, rounds, patience })
    run.cases.push(result)
    if (flags.json) writeFileSync(flags.json, `${JSON.stringify(run, null, 1)}\n`)
    log(`${i + 1}/${chosen.length} ${summary(result)} (${Math.round((performance.now() - start) / 1000)} s)`)
  }
  for (const contestant of all) contestant.stop()
  console.log(flags.markdown ? markdown(run) : table(run))
}
