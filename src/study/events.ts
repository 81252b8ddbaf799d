// events.jsonl: what happened, an object a line, for tools that watch or count. Lines are written in order; a disk that
// takes no more is told at the next call.
//
// Processes on one machine may share the file. Those that do one cell or shard have files of their own, in events/: a
// network file system lets lines of several machines run into each other.
import { type FileLayer, readText } from '../io/files.ts'

const EVENTS_VERSION = 1

export type EventKind = 'run' | 'cell' | 'compiling' | 'progress' | 'finished' | 'end'

export class Events {
  private last: Promise<void> = Promise.resolve()

  constructor(
    private readonly files: FileLayer,
    private readonly path: string,
  ) {}

  /** Resolves when the line is in the file. Throws FileError, also for an earlier line. */
  write(event: EventKind, values: Record<string, unknown>): Promise<void> {
    const line = { schemaVersion: EVENTS_VERSION, time: new Date().toISOString(), event, ...values }
    this.last = this.last.then(() => this.files.append(this.path, `${JSON.stringify(line)}\n`))
    // Whoever does not wait for this line finds its fault at the next one.
    this.last.catch(() => {})
    return this.last
  }
}

/** Where a process writes: `part` is the cell or shard that it does. */
export async function eventsPath(files: FileLayer, out: string, part?: string): Promise<string> {
  if (!part) return `${out}/events.jsonl`
  await files.makeDir(`${out}/events`)
  return `${out}/events/${part}.jsonl`
}

export interface Event {
  time: string
  event: EventKind
  [value: string]: unknown
}

/** What every line begins with: one that stands after a torn line, of a disk that was full, is found by it. */
const BEGIN = '{"schemaVersion":'

function eventIn(line: string): Event | null {
  try {
    const event = JSON.parse(line) as Event
    return event?.event ? event : null
  } catch {
    return null
  }
}

/** All that the processes of a study wrote, in the order of time. Lines that are no JSON are passed over. */
export async function readEvents(files: FileLayer, out: string): Promise<Event[]> {
  const folder = `${out}/events`
  const more = (await files.exists(folder)) ? await files.list(folder) : []
  const paths = [`${out}/events.jsonl`, ...more.map(({ name }) => `${folder}/${name}`)]
  const events: Event[] = []
  for (const path of paths) {
    if (!(await files.exists(path))) continue
    for (const line of (await readText(files, path)).split('\n')) {
      const event = eventIn(line) ?? eventIn(line.slice(line.lastIndexOf(BEGIN)))
      if (event) events.push(event)
    }
  }
  return events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
}
