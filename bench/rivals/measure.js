// One case: inputs to files, everybody's results compared, then rounds in which the contestants take turns.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Seconds that one measurement is made to last, where a call takes less. */
const SECONDS = 0.25
const MOST_CALLS = 1000
const FEWEST_ROUNDS = 3

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Gives { name, …, entrants: [{ name, seconds, error, void }] }. `patience`: seconds for a contestant's rounds. */
export async function measure(one, contestants, { folder, rounds, patience }) {
  const { inputs, ...spec } = one
  mkdirSync(folder, { recursive: true })
  spec.inputs = {}
  for (const [name, { shape, type, data }] of Object.entries(inputs())) {
    spec.inputs[name] = { shape, type }
    writeFileSync(join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  }
  const entrants = []
  for (const contestant of contestants) entrants.push(await prepare(contestant, spec, folder))
  const [reference] = entrants.filter((each) => each.results)
  for (const each of entrants) if (each.results) compare(each, reference, spec.tolerance)
  const sound = entrants.filter((each) => !each.void)
  for (const each of sound) await warm(each)
  for (let round = 0; round < rounds; round++) {
    for (const each of round % 2 === 0 ? sound : [...sound].reverse()) {
      const spent = each.seconds.reduce((sum, seconds) => sum + seconds * each.calls, 0)
      if (each.void || (each.seconds.length >= FEWEST_ROUNDS && spent > patience)) continue
      // Threads that still spin for their next task are given the time to stop.
      await pause(50)
      await turn(each)
    }
  }
  for (const { contestant } of entrants) await contestant.ask('end')
  rmSync(folder, { recursive: true })
  const results = entrants.map(({ contestant, results, ...rest }) => ({ name: contestant.name, ...rest }))
  return { ...spec, inputs: undefined, entrants: results }
}

async function prepare(contestant, spec, folder) {
  const entrant = { contestant, seconds: [], calls: 1 }
  const start = performance.now()
  const { error, lacks, outputs } = await contestant.ask('prepare', { folder, spec })
  if (error !== undefined) return { ...entrant, void: error }
  if (lacks !== undefined) return { ...entrant, void: lacks, lacks: true }
  entrant.prepareSeconds = (performance.now() - start) / 1000
  entrant.results = {}
  for (const name of outputs) {
    const { buffer, byteOffset, byteLength } = readFileSync(join(folder, `result.${name}`))
    entrant.results[name] = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength))
  }
  return entrant
}

/** Every result of the reference, by its largest deviation over the largest value. */
function compare(entrant, reference, tolerance) {
  entrant.error = 0
  for (const [name, want] of Object.entries(reference.results)) {
    const got = entrant.results[name]
    if (got?.length !== want.length) {
      entrant.void = `${name} has ${got?.length ?? 'no'} values, ${reference.contestant.name}'s ${want.length}`
      return
    }
    let [worst, largest] = [0, 1e-30]
    for (let i = 0; i < want.length; i++) {
      const off = Math.abs(got[i] - want[i])
      worst = Math.max(worst, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off)
      largest = Math.max(largest, Math.abs(want[i]))
    }
    entrant.error = Math.max(entrant.error, worst / largest)
    if (worst / largest > tolerance) {
      const by = (worst / largest).toExponential(1)
      entrant.void = `${name} differs from ${reference.contestant.name}'s by ${by} of its largest value`
    }
  }
}

/** The second and third call tell how many calls a measurement takes. */
async function warm(entrant) {
  await turn(entrant)
  if (entrant.void) return
  await turn(entrant)
  const fastest = Math.min(...entrant.seconds)
  entrant.calls = Math.max(1, Math.min(MOST_CALLS, Math.ceil(SECONDS / fastest)))
  entrant.seconds = []
}

async function turn(entrant) {
  const { seconds, error } = await entrant.contestant.ask('time', { calls: entrant.calls })
  if (error !== undefined) entrant.void = error
  else entrant.seconds.push(seconds / entrant.calls)
}
