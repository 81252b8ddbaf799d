// Who is at work on which stage, for processes that share a folder, on one machine or on a shared file system. A lock
// is a file that only one process can make, with host, process and a beat that its holder moves every few seconds;
// nothing depends on flock, on clocks that agree, or on the times of files. A lock whose holder is gone is taken over:
// at once where its process can be seen to be dead, else after its beat has stood still for a while.
//
// Locks save work; they guard no result. Two holders of one stage (after a process was suspended for minutes) would
// compute the same bits and write them whole; the earlier one finds out at its next beat, and stops.
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { type FileLayer, readText } from '../io/files.ts'
import { isAlive } from '../node/cache.ts'

/** What a running stage tells of itself. */
export interface AtWork {
  id: string
  /** 0 until the first report. */
  step: number
  steps: number
  imagesPerSecond: number
  loss: number
  /** Since this process first told of a step of it, and which step that was. */
  seconds: number
  first: number
  /** How far pipelines are, where it waits for them. */
  compiling?: string
}

export interface Process {
  host: string
  /** Boot and process namespace, in which `pid` means something. */
  machine: string
  pid: number
}

export interface Holder extends Process {
  nonce: string
  since: string
  beat: number
  work: AtWork
}

export interface Lease {
  /** The dead holder whose place this is. */
  after: Holder | null
  /** What the next beat tells. */
  tell(work: Omit<AtWork, 'id'>): void
  /** Aborts when somebody else has taken the lock over. */
  lost: AbortSignal
  /** The same, looked up now and not at the next beat. */
  isLost(): Promise<boolean>
  release(): Promise<void>
}

export interface LocksOptions {
  beatSeconds?: number
  /** How long a beat has to stand still, on the waiter's own clock, until its lock is taken over. */
  staleSeconds?: number
  /** Who asks; by default this process. */
  me?: Process
  alive?: (pid: number) => boolean
}

export class Locks {
  private readonly own = new Set<string>()
  /** What was last read of a lock, and when it was first read so. */
  private readonly seen = new Map<string, { text: string; at: number }>()
  private readonly me: Process
  private readonly alive: (pid: number) => boolean
  private readonly beatMs: number
  private readonly staleMs: number

  constructor(
    private readonly files: FileLayer,
    private readonly folder: string,
    { beatSeconds = 5, staleSeconds = 120, me = thisProcess(), alive = isAlive }: LocksOptions = {},
  ) {
    this.me = me
    this.alive = alive
    this.beatMs = 1000 * beatSeconds
    this.staleMs = 1000 * staleSeconds
  }

  /** The lock of a stage, or who has it: process 0 where the lock says nothing. Throws FileError. */
  async take(key: string, id: string): Promise<Lease | Holder> {
    const path = this.path(key)
    const nonce = Math.random().toString(36).slice(2)
    const work = { id, step: 0, steps: 0, imagesPerSecond: 0, loss: 0, seconds: 0, first: 0 }
    const holder: Holder = { ...this.me, nonce, since: new Date().toISOString(), beat: 0, work }
    let after: Holder | null = null
    for (;;) {
      if (await this.files.writeNew(path, JSON.stringify(holder))) return this.lease(path, holder, after)
      const text = await this.text(path)
      if (text === null) continue
      const other = parse(text)
      // A lock without words is of a file system without links: it is being written, or its writer died of it.
      if (!this.gone(key, text, other)) return other ?? { ...holder, host: '', pid: 0 }
      if (await this.putAside(path, text, nonce)) after = other
    }
  }

  /** Does what takes seconds as soon as the lock is to be had, which is free again then, also after a fault. */
  async during<T>(key: string, id: string, work: () => Promise<T>): Promise<T> {
    let taken = await this.take(key, id)
    while (!isLease(taken)) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      taken = await this.take(key, id)
    }
    try {
      return await work()
    } finally {
      await taken.release()
    }
  }

  /** Who holds a stage's lock, as far as the file tells; null where nobody does, or one who is gone. */
  async holder(key: string): Promise<Holder | null> {
    const text = await this.text(this.path(key))
    const holder = text === null ? null : parse(text)
    return holder && !this.gone(key, text!, holder) ? holder : null
  }

  private path(key: string): string {
    return `${this.folder}/${key}.lock`
  }

  private async text(path: string): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      if (!(await this.files.exists(path))) return null
      try {
        return await readText(this.files, path)
      } catch (error) {
        // Released between two calls, and maybe taken again by somebody else.
        if (tries === 20) throw error
      }
    }
  }

  private gone(key: string, text: string, other: Holder | null): boolean {
    if (other && other.machine === this.me.machine && other.host === this.me.host) {
      // Our own number with a word that is not ours: a former life, as in a container that was started again.
      if (other.pid === this.me.pid ? !this.own.has(other.nonce) : !this.alive(other.pid)) return true
    }
    const before = this.seen.get(key)
    if (before?.text !== text) this.seen.set(key, { text, at: performance.now() })
    return before?.text === text && performance.now() - before.at > this.staleMs
  }

  /** Moves a dead lock out of the way. If it is no longer the one that was looked at, it is put back. */
  private async putAside(path: string, text: string, nonce: string): Promise<boolean> {
    const aside = `${path}.${nonce}.tmp`
    if (!(await this.files.rename(path, aside))) return false
    const moved = await this.text(aside)
    // Whoever has the lock by now has swept it away with what else was left lying about.
    if (moved === null) return false
    if (moved !== text) await this.files.writeNew(path, moved)
    await this.files.remove(aside)
    return moved === text
  }

  private lease(path: string, holder: Holder, after: Holder | null): Lease {
    const lost = new AbortController()
    this.own.add(holder.nonce)
    let beating: Promise<void> = Promise.resolve()
    let last = performance.now()
    const beat = async () => {
      const text = await this.text(path)
      // Suspended for so long, somebody may have taken over, ended the work and released the lock.
      const late = performance.now() - last > this.staleMs
      last = performance.now()
      if (text === null ? late : parse(text)?.nonce !== holder.nonce) {
        clearInterval(timer)
        lost.abort()
        return
      }
      holder.beat++
      // It is away for a moment while somebody who takes over finds out that this one is alive.
      if (text === null) await this.files.writeNew(path, JSON.stringify(holder))
      else await this.files.writeAtomic(path, JSON.stringify(holder))
    }
    // A beat that cannot be written is made up for by the next; without any the lock goes to somebody else.
    const timer = setInterval(() => {
      beating = beating.then(beat).catch(() => {})
    }, this.beatMs)
    timer.unref()
    return {
      after,
      tell: (work) => Object.assign(holder.work, work),
      lost: lost.signal,
      isLost: async () => {
        beating = beating.then(beat).catch(() => {})
        await beating
        return lost.signal.aborted
      },
      release: async () => {
        clearInterval(timer)
        await beating
        const text = await this.text(path)
        if (text !== null && parse(text)?.nonce === holder.nonce) await this.files.remove(path)
        this.own.delete(holder.nonce)
      },
    }
  }
}

export const isLease = (taken: Lease | Holder): taken is Lease => 'release' in taken

function parse(text: string): Holder | null {
  try {
    return JSON.parse(text) as Holder
  } catch {
    return null
  }
}

/** This process, with what tells its machine from others of that name. */
export function thisProcess(): Process {
  const part = (read: () => string) => {
    try {
      return read().trim()
    } catch {
      return ''
    }
  }
  const boot = part(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
  const space = part(() => readlinkSync('/proc/self/ns/pid'))
  return { host: hostname(), machine: `${boot} ${space}`.trim(), pid: process.pid }
}
