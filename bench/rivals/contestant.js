// A contestant as the driver sees it: a process that is asked one thing at a time. One that fails or dies is void for the
// case, and starts afresh with the next one: a device that made an error is not trusted any more.
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** The system's Python where the first one on the path has no PyTorch. */
function pythonWithTorch() {
  const has = (command) => spawnSync(command, ['-c', 'import torch']).status === 0
  return ['python3', '/usr/bin/python3'].find(has) ?? 'python3'
}

/** What may run. `webgpu`: on the adapter. `command`: its process. */
export function contestants(cores) {
  const served = (name) => ({ command: process.execPath, given: [here('serve.js'), name] })
  const python = { command: pythonWithTorch(), given: [here('contestants/pytorch.py')] }
  const native = [
    { name: 'onnxruntime', ...served('onnxruntime') },
    { name: 'pytorch', ...python },
  ]
  const several = cores > 1 ? [1, cores] : [1]
  return [
    { name: 'ours', webgpu: true, ...served('ours') },
    { name: 'tfjs', webgpu: true, ...served('tfjs') },
    { name: 'jax-js', webgpu: true, ...served('jax') },
    ...native.flatMap((each) => several.map((threads) => ({ ...each, name: `${each.name} ${threads}T`, threads }))),
    { name: 'pytorch GPU', command: python.command, given: [...python.given, 'gpu'] },
  ]
}

export class Contestant {
  about = ''
  /** What a WebGPU contestant's device is on. */
  adapter = ''
  /** Why it takes no part at all. */
  absent = ''
  #process
  #answers
  #said = ''

  /** `limit`: seconds it has for an answer. */
  constructor(entry, options, limit) {
    this.name = entry.name
    this.webgpu = entry.webgpu === true
    this.entry = entry
    this.options = options
    this.limit = limit
  }

  async start() {
    const { command, given, threads = 1 } = this.entry
    const env = { ...process.env, OMP_NUM_THREADS: String(threads) }
    const stdio = ['pipe', 'pipe', 'pipe', 'pipe']
    // A group of its own: Ctrl-C is for the driver, which lets the case end.
    this.#process = spawn(command, given, { stdio, env, detached: true })
    this.#said = ''
    const listen = (chunk) => (this.#said = (this.#said + chunk).slice(-4000))
    this.#process.stdout.on('data', listen)
    this.#process.stderr.on('data', listen)
    this.#process.stdin.on('error', () => {})
    this.#process.on('error', (error) => listen(error.message))
    this.#answers = createInterface({ input: this.#process.stdio[3] })[Symbol.asyncIterator]()
    const { about, adapter, error } = await this.ask('open', { ...this.options, threads })
    if (error) this.absent = error
    else Object.assign(this, { about, adapter })
  }

  /** The answer, or { error } where there is none. A process that does not answer in time is ended. */
  async ask(what, request = {}) {
    if (this.absent) return { error: this.absent }
    if (!this.#process && what === 'end') return {}
    if (!this.#process) await this.start()
    if (this.absent) return { error: this.absent }
    const running = this.#process
    running.stdin.write(`${JSON.stringify({ what, ...request })}\n`)
    let timer
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, 1000 * this.limit, 'late')
    })
    const next = await Promise.race([this.#answers.next(), late])
    clearTimeout(timer)
    if (next !== 'late' && !next.done) {
      const answer = JSON.parse(next.value)
      if (answer.error !== undefined) this.stop()
      return answer
    }
    this.stop()
    const last = this.#said.trim().split('\n').at(-1) ?? ''
    return { error: next === 'late' ? `no answer within ${this.limit} s` : `its process ended: ${last}`.slice(0, 300) }
  }

  stop() {
    this.#process?.kill('SIGKILL')
    this.#process = undefined
  }
}
