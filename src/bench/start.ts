// From the start of a process to the end of its first step, as a user waits for it: in a process of its own, with an
// empty driver cache (cold) and with the one that left behind (warm).
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

function once(arguments_: string[], env: Record<string, string>): Promise<Start> {
  const started = performance.now()
  const child = spawn(process.execPath, [process.argv[1], ...arguments_], { env: { ...process.env, ...env } })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (err += text))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => {
      const seconds = (performance.now() - started) / 1000
      if (code === 0) done({ seconds, ...JSON.parse(out) })
      else fail(new DistillError('process', `the first step failed in a process of its own: ${err.trim()}`))
    })
  })
}
