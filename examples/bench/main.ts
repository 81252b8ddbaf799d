// The kernel bench as a page: chooses cases, runs them, shows the result, and puts it into a link.

import { ownKernel } from '../../src/bench/own.ts'
import { type BenchResults, secondsOf } from '../../src/bench/results.ts'
import { fromFragment, isResult, toFragment } from '../../src/bench/share.ts'
import { resultMarkdown } from '../../src/bench/text.ts'
import { AdapterError } from '../../src/browser.ts'
import { type Case, chooseCases } from '../../src/cases/choose.ts'
import { InputError } from '../../src/errors.ts'
import { adapterName, explain, measure, type Run } from './measure.ts'
import { factsOf, make, tableOf } from './table.ts'
import { EXAMPLES } from './yours.ts'

const element = <T extends HTMLElement = HTMLElement>(id: string) => document.getElementById(id) as T
const say = (id: string, text: string) => {
  element(id).textContent = text
}
const show = (id: string, visible: boolean) => {
  element(id).hidden = !visible
}

/** What the list offers; and what the address asks for, in the flags' names: ?op=conv2d&shape=1x3x8x8:2:3&rounds=9. */
function sets(): Map<string, { about: string; cases: Case[] }> {
  const found = new Map([
    ['quick', { about: 'Quick', cases: chooseCases({ quick: true }) }],
    ['convolutions', { about: 'Convolutions, all shapes', cases: chooseCases({ op: 'conv2d' }) }],
    ['everything', { about: 'Everything: takes minutes', cases: chooseCases({}) }],
  ])
  const asked = new URLSearchParams(location.search)
  const [op, shapes, filter] = [asked.get('op') ?? undefined, asked.getAll('shape'), asked.getAll('filter')]
  if (op === undefined && filter.length === 0 && shapes.length === 0) return found
  const about = [op, ...shapes, ...filter].filter(Boolean).join(' ')
  if (op === undefined && shapes.length > 0) throw new InputError(`?shape=${shapes[0]}: needs &op=, too`)
  const cases = chooseCases({ op, shapes: shapes.length ? shapes : undefined, filter })
  if (cases.length === 0) throw new InputError(`?filter=${filter.join()}: nothing has that in its name`)
  return new Map([['address', { about: `As the address says: ${about}`, cases }], ...found])
}

let shown: BenchResults | null = null
let stop: AbortController | null = null

async function showResult(results: BenchResults, shared: boolean): Promise<void> {
  shown = results
  say('adapter', `${results.adapter}${results.software ? ' (software)' : ''}`)
  show('shared', shared)
  element('facts').replaceChildren(
    ...factsOf(results).map(([label, text]) => {
      const fact = make('div')
      fact.append(make('dt', label), make('dd', text))
      return fact
    }),
  )
  element('table').replaceChildren(tableOf(results))
  say('copied', '')
  show('text', false)
  show('result', true)
  const fragment = await toFragment(results)
  // The address is the link: it can be shared by the browser's own means, and opened again.
  history.replaceState(null, '', `${location.pathname}${location.search}#${fragment}`)
}

function progress(line: string, share: number): void {
  const [, first, rest] = /^(\S+) ?(.*)$/.exec(line)!
  const text = first === 'peaks' ? "The adapter's peaks" : first === 'round' ? `Timing, round ${rest}` : rest
  say('status', /^\d/.test(first) ? `Checking ${first}: ${text}` : text)
  element<HTMLProgressElement>('progress').value = share
}

async function run(asked: Pick<Run, 'cases' | 'asked' | 'own'>): Promise<void> {
  stop = new AbortController()
  const given = Number(new URLSearchParams(location.search).get('rounds') ?? 5)
  const rounds = Math.max(1, Math.min(1000, Math.round(given) || 5))
  let at = 'the start'
  let hidden = document.hidden
  const noticed = () => (hidden ||= document.hidden)
  document.addEventListener('visibilitychange', noticed)
  const awake = await navigator.wakeLock?.request('screen').catch(() => null)
  const started = performance.now()
  busy(true)
  try {
    const log = (line: string, share: number) => {
      at = line.replace(/^\d+\/\d+ /, '')
      progress(line, share)
    }
    const results = await measure({ ...asked, rounds, signal: stop.signal, log })
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    await showResult(results, false)
    show('broken', false)
    const away = ' The page was in the background for a while, which spoils times: run again with it in front.'
    say('status', `Done in ${seconds} s.${compared(results)}${hidden ? away : ''}`)
    element('adapter').scrollIntoView({ block: 'nearest' })
  } catch (error) {
    say('status', explain(error, at))
  } finally {
    document.removeEventListener('visibilitychange', noticed)
    await awake?.release().catch(() => {})
    stop = null
    busy(false)
  }
}

/** What a kernel of a user's came to beside ours. */
function compared({ kernels }: BenchResults): string {
  const [ours, yours] = kernels
  if (kernels.length !== 2 || yours.kernel === 'ours') return ''
  const [a, b] = [secondsOf(ours), secondsOf(yours)]
  if (!b) return ` ${yours.kernel} computes something else, so it was not timed.`
  return a ? ` ${yours.kernel} takes ${(b.median / a.median).toFixed(2)} times as long as ours.` : ''
}

function busy(running: boolean): void {
  element('go').textContent = running ? 'Cancel' : 'Run'
  element('go').classList.toggle('cancel', running)
  element<HTMLProgressElement>('progress').value = 0
  show('progress', running)
  for (const id of ['set', 'try', 'case', 'shape']) element<HTMLButtonElement>(id).disabled = running
}

/** Onto the clipboard; where that is refused, into a field from which it can be taken. */
async function copy(what: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    show('text', false)
    say('copied', `${what} copied.`)
  } catch {
    const field = element<HTMLTextAreaElement>('text')
    field.value = text
    show('text', true)
    field.focus()
    field.select()
    say('copied', `The browser does not let this page copy: ${what} is in the field below, selected.`)
  }
}

async function openLink(): Promise<void> {
  if (!isResult(location.hash) || stop) return
  try {
    await showResult(await fromFragment(location.hash), true)
    show('broken', false)
  } catch (error) {
    show('result', false)
    say('whyBroken', explain(error, ''))
    show('broken', true)
  }
}

function wire(): void {
  const offered = sets()
  const list = element<HTMLSelectElement>('set')
  for (const [name, { about, cases }] of offered)
    list.append(make('option', `${about} (${cases.length})`, { value: name }))
  element('go').onclick = () => {
    if (stop) {
      say('status', 'Cancelling, after this measurement …')
      return stop.abort()
    }
    const { about, cases } = offered.get(list.value)!
    return run({ cases, asked: about })
  }
  wireYours()
}

function wireResult(): void {
  element('markdown').onclick = () => copy('Markdown', resultMarkdown(shown!))
  element('json').onclick = () => copy('JSON', `${JSON.stringify(shown, null, 1)}\n`)
  element('link').onclick = () => copy('Link', location.href)
  show('send', 'share' in navigator)
  element('send').onclick = () =>
    navigator.share({ title: `webgpu-distill kernels on ${shown!.adapter}`, url: location.href }).catch(() => {})
}

function wireYours(): void {
  const [choice, shape] = [element<HTMLSelectElement>('case'), element<HTMLInputElement>('shape')]
  const source = element<HTMLTextAreaElement>('source')
  for (const name of Object.keys(EXAMPLES)) choice.append(make('option', name, { value: name }))
  const fill = () => {
    const known = Object.values(EXAMPLES).map((each) => each.source)
    const example = EXAMPLES[choice.value]
    shape.value = example.shape
    // What was written is never replaced.
    if (source.value.trim() === '' || known.includes(source.value)) source.value = example.source
  }
  choice.onchange = fill
  fill()
  element<HTMLFormElement>('yours').onsubmit = (event) => {
    event.preventDefault()
    const [op, pass] = choice.value.split(' ')
    try {
      const cases = chooseCases({ op, shapes: [shape.value.trim()] }).filter((each) => each.pass === pass)
      const file = `${/^\/\/\s*([\w.-]{1,40})/.exec(source.value)?.[1] ?? 'yours'}.wgsl`
      const own = ownKernel(file, source.value)
      element('status').scrollIntoView({ block: 'center' })
      run({ cases, asked: `${file} beside ${choice.value} ${shape.value.trim()}`, own })
    } catch (error) {
      say('trouble', explain(error, ''))
      return
    }
    say('trouble', '')
  }
}

async function main(): Promise<void> {
  wireResult()
  addEventListener('hashchange', openLink)
  await openLink()
  const linked = shown !== null
  try {
    wire()
    const name = await adapterName()
    say('status', linked ? `Run measures this device: ${name}.` : `Ready, on ${name}.`)
    element<HTMLButtonElement>('go').disabled = false
  } catch (error) {
    show('works', false)
    show('own', false)
    show('missing', true)
    if (!(error instanceof AdapterError)) say('lack', 'This cannot be run')
    say('why', explain(error, ''))
  }
}

main()
