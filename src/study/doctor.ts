// `doctor`: what this machine has, what it lacks and which command mends that, and whether the kernels compute right.
import type { Engine } from '../engine.ts'
import { engineFrom } from '../init.ts'
import { openAdapter } from '../node/adapter.ts'
import { type AdapterReport, type ListedAdapter, listAdapters } from '../node/adapterList.ts'
import { datasetNames, locateDataset } from '../node/datasets.ts'
import { isSynthetic } from '../report/caption.ts'
import { wrap } from '../report/tableText.ts'
import { VERSION, versionOf } from './facts.ts'
import { DOCTOR_FLAGS, type FileOptions, fileHelp, parseFlags } from './fileArgs.ts'
import { type SelfTest, selfTest } from './selfTest.ts'

const HELP = fileHelp(
  'Usage: npx webgpu-distill doctor [flags]',
  `Shows the adapters and what is missing, runs a short self-test of the kernels on the best adapter (or the one named), and
tells where the data sets are. Exit code 0 where everything needed works, else 1.`,
  DOCTOR_FLAGS,
)

/** What the self-test used, null where no adapter could be opened. */
interface Tested {
  adapter: string
  tests: SelfTest[]
  fault: string
}

interface Place {
  name: string
  place: string
  folder: string | null
}

export async function doctor(argv: readonly string[]): Promise<number> {
  const options = parseFlags(argv, DOCTOR_FLAGS)
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const log = (line: string) => process.stderr.write(`${line}\n`)
  const report = await adapters(options, log)
  const tested = await test(options)
  const data = await places()
  const usable = tested.fault === '' && tested.tests.every(({ ok }) => ok)
  const versions = { 'webgpu-distill': VERSION, node: process.version.slice(1), webgpu: versionOf('webgpu') }
  if (options.json) {
    const list = report.adapters.map(({ gpu, adapter, ...plain }) => plain)
    const document = { schemaVersion: 1, usable, versions, ...report, adapters: list, selfTest: tested, data }
    process.stdout.write(`${JSON.stringify(document, null, 1)}\n`)
  } else process.stdout.write(text(versions, report, tested, data, usable))
  return usable ? 0 : 1
}

/** Even where the package webgpu does not load there is something to tell. */
async function adapters({ offline }: FileOptions, log: (line: string) => void): Promise<AdapterReport> {
  try {
    return await listAdapters({ offline, fetchLavapipe: true, log })
  } catch (error) {
    const command = versionOf('webgpu') === null ? 'npm install webgpu' : 'npm rebuild webgpu'
    return { adapters: [], missing: [{ what: 'the package webgpu', command }], notes: [(error as Error).message] }
  }
}

async function test({ adapter, offline }: FileOptions): Promise<Tested> {
  let engine: Engine | undefined
  try {
    engine = await engineFrom(null, await openAdapter({ adapter, offline }))
    return { adapter: engine.info.adapter, tests: await selfTest(engine), fault: '' }
  } catch (error) {
    return { adapter: engine?.info.adapter ?? '', tests: [], fault: (error as Error).message.split('\n')[0] }
  } finally {
    engine?.destroy()
  }
}

async function places(): Promise<Place[]> {
  const real = datasetNames.filter((name) => !isSynthetic(name))
  return Promise.all(
    real.map(async (name) => {
      const found = await locateDataset(name).catch((error: Error) => ({ place: error.message, folder: null }))
      return { name, place: found?.place ?? 'not here', folder: found?.folder ?? null }
    }),
  )
}

function text(
  versions: Record<string, string | null>,
  { adapters, missing, notes }: AdapterReport,
  { adapter, tests, fault }: Tested,
  data: Place[],
  usable: boolean,
): string {
  const lines = Object.entries(versions).map(([name, version]) => `${name} ${version ?? 'not installed'}`)
  const parts: [string, string[]][] = [
    ['Versions', [lines.join(', ')]],
    ['Adapters, best first', adapters.length ? adapters.flatMap(adapterLines) : ['none']],
    ['Missing', missing.length ? missing.flatMap(({ what, command }) => [what, `    ${command}`]) : ['nothing']],
    ...(notes.length ? [['What drivers said', notes] as [string, string[]]] : []),
    [
      `Self-test${adapter ? ` on ${adapter}` : ''}, against float64`,
      fault ? [`not run: ${fault}`] : tests.map(testLine),
    ],
    ['Data sets', data.map(placeLine)],
  ]
  const body = parts.map(([title, all]) => `${title}\n${all.map((line) => `  ${line}\n`).join('')}`)
  return `${body.join('\n')}\n${usable ? 'Usable.' : 'NOT usable: see above.'}\n`
}

const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
]

function adapterLines({ name, software, origin, kind, driver, subgroups, features, limits }: ListedAdapter): string[] {
  const bytes = (value: number) => (value >= 2 ** 20 ? `${+(value / 2 ** 20).toFixed(1)} MiB` : String(value))
  const shown = LIMITS.filter((limit) => limits[limit] !== undefined).map((limit) => {
    return `${limit} ${/Size$/.test(limit) ? bytes(limits[limit]) : limits[limit]}`
  })
  return [
    `${name} (${software ? 'SOFTWARE' : 'hardware'}, ${kind}, from the ${origin})`,
    `    driver    ${driver}`,
    `    subgroups ${subgroups ? (subgroups.min === subgroups.max ? subgroups.min : `${subgroups.min} to ${subgroups.max}`) : 'none'}`,
    ...wrapped('features', features),
    ...wrapped('limits', shown),
  ]
}

/** A list of words under a heading, in lines of a terminal's width. */
function wrapped(heading: string, words: readonly string[]): string[] {
  return wrap(words.join(', '), 100).map((line, i) => `    ${(i === 0 ? heading : '').padEnd(10)}${line}`)
}

function testLine({ name, ok, error, tolerance, seconds, fault }: SelfTest): string {
  const told = fault || `deviation ${error.toExponential(1)}, allowed ${tolerance.toExponential(0)}`
  return `${ok ? 'ok    ' : 'FAILED'}  ${name}: ${told}, ${seconds.toFixed(2)} s`
}

function placeLine({ name, place, folder }: Place): string {
  if (folder) return `${name}: ${folder} (${place})`
  if (place !== 'not here') return `${name}: ${place}`
  const fetched = name.startsWith('image') ? '' : ', or the first run that asks for it fetches it'
  return `${name}: not here; --data DIR or WEBGPU_DISTILL_DATA names a folder${fetched}`
}
