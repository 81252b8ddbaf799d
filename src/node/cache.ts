// The cache folder and the one way things get into it: built in a folder of their own, then renamed into place, so that
// nobody ever sees half a driver and two processes may do it at the same time.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { FileError } from '../errors.ts'

/**
 * Where fetched drivers lie: WEBGPU_DISTILL_CACHE, else XDG_CACHE_HOME/webgpu-distill, else ~/.cache/webgpu-distill.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  // Absolute: the Vulkan loader reads a driver's path from that driver's own folder.
  if (env.WEBGPU_DISTILL_CACHE) return resolve(env.WEBGPU_DISTILL_CACHE)
  return resolve(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'webgpu-distill')
}

/** True when downloads are forbidden by WEBGPU_DISTILL_OFFLINE (any value but empty and 0). */
export function offlineByEnvironment(env: NodeJS.ProcessEnv = process.env): boolean {
  const value = env.WEBGPU_DISTILL_OFFLINE
  return value !== undefined && value !== '' && value !== '0'
}

/** What is not in its place yet, or no longer: process and machine are in its name, since machines may share a cache. */
const half = /^\.new-(\d+)-(?:(.*)-)?\w+$/

function halfPath(parent: string): string {
  return join(parent, `.new-${process.pid}-${hostname()}-${Math.random().toString(36).slice(2, 8)}`)
}

/** Whether somebody may be at work on what is of this name: a process that lives, or one of another machine. */
export function inTheMaking(name: string): boolean {
  const [, pid, host = hostname()] = half.exec(name) ?? []
  return pid !== undefined && (host !== hostname() || isAlive(Number(pid)))
}

/**
 * Makes `folder` if it is not there: `build` fills an empty folder beside it, which is then renamed. If another process
 * was faster its folder is kept and ours removed. A build that fails or is interrupted leaves nothing behind.
 */
export async function install(folder: string, build: (temporary: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder
  const parent = join(folder, '..')
  const temporary = halfPath(parent)
  try {
    mkdirSync(parent, { recursive: true })
    removeLeftovers(parent)
    mkdirSync(temporary)
  } catch (cause) {
    throw new FileError(`cannot write to the cache folder ${parent}: ${(cause as Error).message}`, { cause })
  }
  const remove = () => rmSync(temporary, { recursive: true, force: true })
  const forget = removeOnSignal(remove)
  try {
    await build(temporary)
    try {
      renameSync(temporary, folder)
    } catch (error) {
      // Not an error when somebody else put the same thing there in the meantime.
      if (!existsSync(folder)) throw error
    }
    return folder
  } finally {
    forget()
    remove()
  }
}

// A process killed the hard way cannot clean up after itself; the next one does.
function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (half.test(name) && !inTheMaking(name)) rmSync(join(parent, name), { recursive: true, force: true })
  }
}

/** Removes an entry, which is gone by one rename: whoever looks meanwhile, or after a kill, finds all of it or nothing. */
export function uninstall(path: string): void {
  const aside = halfPath(join(path, '..'))
  try {
    renameSync(path, aside)
    rmSync(aside, { recursive: true })
  } catch (cause) {
    if (!existsSync(path) && !existsSync(aside)) return
    throw new FileError(`cannot remove ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Whether a process of this machine lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

// Clean up, then die of the same signal, so that the exit code is what the shell expects. A program with a handler of
// its own decides itself when to end; then only the folder goes.
function removeOnSignal(remove: () => void): () => void {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const handler = (signal: NodeJS.Signals) => {
    forget()
    remove()
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
  }
  const forget = () => {
    process.off('exit', remove)
    for (const signal of signals) process.off(signal, handler)
  }
  process.on('exit', remove)
  for (const signal of signals) process.on(signal, handler)
  return forget
}
