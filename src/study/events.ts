// events.jsonl: what happened, an object a line, for tools that watch or count. Lines are written in order; a disk that
// takes no more is told at the next call.
import type { FileLayer } from '../io/files.ts'

export const EVENTS_VERSION = 1

export type EventKind = 'run' | 'cell' | 'progress' | 'finished' | 'end'

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
