// What ran when, as Chrome trace events. Measurements lie where they happened; the dispatches of a profile follow one
// another on a track of their own, since timestamps of the device and of the host have no common zero.
import type { Span } from '../tune/clock.ts'
import type { Profile } from './profile.ts'

interface TraceEvent {
  name: string
  ph: 'X' | 'M'
  pid: number
  tid: number
  ts: number
  dur?: number
  args?: Record<string, unknown>
}

const TRACKS = ['host', 'device'] as const

/** JSON for chrome://tracing and ui.perfetto.dev. */
export function traceText(spans: readonly Span[], profiles: readonly { name: string; profile: Profile }[]): string {
  const micro = (seconds: number) => Math.round(1e9 * seconds) / 1000
  const track = (tid: number, name: string): TraceEvent => ({
    ...{ name: 'thread_name', ph: 'M', pid: 1, tid, ts: 0 },
    args: { name },
  })
  const events: TraceEvent[] = TRACKS.map((name, tid) => track(tid, name))
  for (const { name, track: on, start, seconds } of spans) {
    events.push({ name, ph: 'X', pid: 1, tid: TRACKS.indexOf(on), ts: micro(start), dur: micro(seconds) })
  }
  for (const [i, { name, profile }] of profiles.entries()) {
    const tid = TRACKS.length + i
    events.push(track(tid, `dispatches of ${name}`))
    let at = 0
    for (const { pipeline, seconds, index, groups, bytes } of profile.dispatches) {
      const args = { index, groups, bytes }
      events.push({ name: pipeline, ph: 'X', pid: 1, tid, ts: micro(at), dur: micro(seconds), args })
      at += seconds
    }
  }
  return `${JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' })}\n`
}
