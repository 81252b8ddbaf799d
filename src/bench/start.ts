// From the start of a process to the end of its first step, as a user waits for it: in a process of its own, with an
// empty driver cache (cold) and with the one that left behind (warm).
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DistillError } from '../errors.ts'

export interface Start {
  /** As a clock on the wall tells. */
  seconds: number
  /** What processors spent on it, which other load on the machine changes little. */
  processorSeconds: number
}

/** Cold means what it says where the driver's cache can be moved: Mesa's and NVIDIA's can. */
export interface StartSeconds {
  cold: Start
  warm: Start
}

/** `same`: the flags by which the processes get the device of this one. */
export async function startSeconds(
  step: string,
  same: readonly string[],
  log: (line: string) => void,
): Promise<StartSeconds> {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-distill-'))
  const env = { MESA_SHADER_CACHE_DIR: folder, __GL_SHADER_DISK_CACHE_PATH: folder }
  const arguments_ = ['--step', '--once', '--filter', step, '--offline', ...same]
  try {
    log(`${step}: first step, cold`)
    const cold = await once(arguments_, env)
    log(`${step}: first step, warm`)
    return { cold, warm: await once(arguments_, env) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the process of `--once` says at its end. */
export const processorText = (): string => {
  const { user, system } = process.cpuUsage()
  return `${JSON.stringify({ processorSeconds: (user + system) / 1e6 })}\n`
}

async function once(arguments_: string[], env: Record<string, string>): Promise<Start> {
  const started = performance.now()
  try {
    const all = [process.argv[1], ...arguments_]
    const { stdout } = await promisify(execFile)(process.execPath, all, { env: { ...process.env, ...env } })
    return { seconds: (performance.now() - started) / 1000, ...JSON.parse(stdout) }
  } catch (error) {
    const why = (error as { stderr?: string }).stderr?.trim() || (error as Error).message
    throw new DistillError('process', `the first step failed in a process of its own: ${why}`, { cause: error })
  }
}
