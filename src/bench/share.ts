// A result as the fragment of a link, '#r1=…': no server sees it, and whoever opens the link sees the result. Rows of
// numbers, times to four digits, deflated, base64url: some 2 KB for 30 kernels. Whatever comes in is checked value by
// value.
import { InputError } from '../errors.ts'
import type { Spread } from '../tune/clock.ts'
import { type BenchResults, type KernelResult, type Peak, peaksOf, ratesOf, SCHEMA, secondsOf } from './results.ts'

const PREFIX = 'r1='
/** Characters of a link, bytes of what it unpacks to, rows. */
const MOST = { link: 60_000, bytes: 500_000, rows: 500, line: 500, number: 1e18 }

const digits = (value: number, count: number) => Number(value.toPrecision(count))

/** Microseconds, and how many thousandths of them the others are apart. */
function packSpread(spread: Spread | null): unknown {
  if (!spread) return 0
  const { median, best, q1, q3, n } = spread
  return [digits(1e6 * median, 4), ...[best, q1, q3].map((value) => Math.round((1000 * value) / median - 1000)), n]
}

/** The fragment, without '#'. Of `results` it keeps the facts, the peaks and the kernels. */
export async function toFragment(results: BenchResults): Promise<string> {
  const { version, commit, node, webgpu, date, command, adapter, software, features, subgroupSize, rounds } = results
  const facts = [version, commit, node, webgpu, results.userAgent ?? null, date, command.slice(0, MOST.line), adapter]
  const peaks = results.peaks.all.map(({ name, kind, rate, wall, device }) => {
    return [name, Number(kind === 'copy'), digits(rate, 4), packSpread(wall), packSpread(device)]
  })
  const kernels = results.kernels.map((each) => {
    const { op, pass, shape, kernel, flops, bytes, dispatches, calls, check, wall, device } = each
    // JSON has no infinity, which is the deviation of what could not be read.
    const error = check.error <= MOST.number ? digits(check.error, 3) : -1
    const numbers = [flops, bytes, dispatches, calls, Number(check.ok), error, check.tolerance, check.samples]
    return [op, pass, shape, kernel, ...numbers, packSpread(wall), packSpread(device)]
  })
  const text = JSON.stringify([...facts, Number(software), features, subgroupSize, rounds, peaks, kernels])
  const packed = await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw'), MOST.bytes)
  const letters = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(''))
  return PREFIX + letters.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Is it a result at all? Any other fragment is none of ours. */
export const isResult = (fragment: string): boolean => /^#?r\d+=/.test(fragment)

/** Throws InputError for what no page of ours has written. */
export async function fromFragment(fragment: string): Promise<BenchResults> {
  const text = fragment.replace(/^#/, '')
  if (!text.startsWith(PREFIX)) throw wrong('it was written by another version of this page')
  if (text.length > MOST.link) throw wrong(`${text.length} characters, at most ${MOST.link}`)
  const unpacked = await unpack(text.slice(PREFIX.length))
  try {
    return resultsOf(JSON.parse(unpacked))
  } catch (error) {
    throw error instanceof InputError ? error : wrong('what it unpacks to is no JSON')
  }
}

const wrong = (why: string) => new InputError(`this link holds no result that can be shown: ${why}`)

async function unpack(letters: string): Promise<string> {
  try {
    const bytes = atob(letters.replaceAll('-', '+').replaceAll('_', '/'))
    const packed = Uint8Array.from(bytes, (letter) => letter.charCodeAt(0))
    const unpacked = await through(packed, new DecompressionStream('deflate-raw'), MOST.bytes)
    return new TextDecoder('utf-8', { fatal: true }).decode(unpacked)
  } catch (error) {
    throw error instanceof InputError ? error : wrong('it cannot be unpacked; was it cut off?')
  }
}

/** All that comes out of the stream, up to a limit: a few bytes may unpack to gigabytes. */
async function through(bytes: Uint8Array, stream: GenericTransformStream, most: number): Promise<Uint8Array> {
  const reader = new Blob([bytes as BlobPart]).stream().pipeThrough(stream).getReader()
  const parts: Uint8Array[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > most) {
      await reader.cancel()
      throw wrong(`it unpacks to more than ${most} bytes`)
    }
    parts.push(value)
  }
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

// Checked readers: each returns its value or throws.

function list(value: unknown, length?: number): unknown[] {
  if (!Array.isArray(value) || value.length > MOST.rows || (length !== undefined && value.length !== length)) {
    throw wrong(`${shown(value)} in place of a list`)
  }
  return value
}

/** Short, and nothing that could make a line look like another: no control characters, no change of direction. */
function line(value: unknown): string {
  const bad = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
  if (typeof value !== 'string' || value.length > MOST.line || bad.test(value))
    throw wrong(`${shown(value)} in place of text`)
  return value
}

const lineOrNull = (value: unknown): string | null => (value === null ? null : line(value))

function number(value: unknown, least = 0, largest = MOST.number): number {
  if (typeof value !== 'number' || !(value >= least && value <= largest)) throw wrong(`${shown(value)} as a number`)
  return value
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 40)

function spreadOf(value: unknown): Spread | null {
  if (value === 0) return null
  const [micro, ...rest] = list(value, 5)
  const median = number(micro, 1e-6) / 1e6
  const [best, q1, q3] = rest.slice(0, 3).map((apart) => median * (1 + number(apart, -1000) / 1000))
  return { median, best, q1, q3, n: number(rest[3], 1, 1e6) }
}

function timed(value: unknown): Spread {
  const found = spreadOf(value)
  if (!found) throw wrong('a peak without a time')
  return found
}

function resultsOf(value: unknown): BenchResults {
  const all = list(value, 14)
  const [version, date, command, adapter] = [0, 5, 6, 7].map((i) => line(all[i]))
  const [commit, node, webgpu, userAgent] = [1, 2, 3, 4].map((i) => lineOrNull(all[i]))
  if (!Number.isFinite(Date.parse(date))) throw wrong(`${shown(date)} in place of a date`)
  const peaks = list(all[12]).map((each): Peak => {
    const [name, kind, rate, wall, device] = list(each, 5)
    const known = { name: line(name), kind: number(kind) ? ('copy' as const) : ('fma' as const) }
    return { ...known, rate: number(rate), wall: timed(wall), device: spreadOf(device) }
  })
  const limits = peaksOf(peaks)
  if (limits.gflops === 0 || limits.gbs === 0) throw wrong('there are no peaks in it')
  const kernels = list(all[13]).map((each): KernelResult => {
    const row = list(each, 14)
    const [op, pass, shape, kernel] = row.slice(0, 4).map(line)
    const [flops, bytes, dispatches, calls] = row.slice(4, 8).map((count) => number(count))
    const error = number(row[9], -1)
    const check = {
      ok: number(row[8]) === 1,
      error: error < 0 ? Number.POSITIVE_INFINITY : error,
      tolerance: number(row[10]),
      samples: number(row[11]),
    }
    const times = { wall: spreadOf(row[12]), device: spreadOf(row[13]) }
    const known = { name: `${op} ${pass} ${shape}`, op, pass, shape, kernel, flops, bytes, dispatches, calls, check }
    return { ...known, ...times, ...ratesOf(known, secondsOf(times), limits) }
  })
  return {
    schemaVersion: SCHEMA,
    ...{ version, commit, node, webgpu, ...(userAgent === null ? {} : { userAgent }), date, command, adapter },
    software: number(all[8]) === 1,
    features: list(all[9]).map(line),
    subgroupSize: number(all[10], 0, 1024),
    rounds: number(all[11], 1, 1e6),
    ...{ peaks: limits, kernels, steps: [], profiles: [] },
  }
}
