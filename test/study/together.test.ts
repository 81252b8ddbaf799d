// A stage that another process takes, has, and finishes, as the one that waits sees it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FileError } from '../../src/errors.ts'
import type { FileLayer } from '../../src/io/files.ts'
import type { Cell } from '../../src/study/cells.ts'
import { Locks } from '../../src/study/locks.ts'
import { Progress } from '../../src/study/progress.ts'
import { keysOf, Store } from '../../src/study/store.ts'
import { AbortedError } from '../../src/train/fit.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { running } from './running.ts'
import { setting, smallData, smallStages } from './small.ts'

const test = suite('cells that others are at')

const data = await smallData()
const stages = smallStages({ epochs: 40 })
const keys = await keysOf(stages, setting)
const supervised = 'seed0/4px/supervised'
const key = keys.get(supervised)!

async function start(files: FileLayer, wanted: string[], tell: (line: string) => void, signal?: AbortSignal) {
  const me = { host: 'near', machine: 'near', pid: 1 }
  const store = new Store(files, 'out/cells', new Locks(files, 'out/cells', { beatSeconds: 0.01, me }))
  // What is compiled depends on the tests before.
  const progress = new Progress({ write: (text) => / {2}compiling /.test(text) || tell(text.trim()) })
  const more = { files, store, progress, wanted: new Set(wanted), poll: 10, ...(signal && { signal }) }
  return (await running(stages, data, more)).cells
}

const lock = `out/cells/${key}.lock`
const foreign = JSON.stringify({ host: 'far', machine: 'far', pid: 9, nonce: 'x', since: '2026-01-02T03:04:05.678Z' })
const digest = (cells: Map<string, Cell>) => cells.get(supervised)!.outcome!.nodes.student.sha256

test('who loses a lock stops, waits, and takes what the other one has made', async () => {
  const elsewhere = memoryFiles()
  const whole = digest(await start(elsewhere, [supervised], () => {}))
  const files = memoryFiles()
  const append = files.append
  files.append = async (path, text) => {
    if (text.includes('"progress"')) await files.writeAtomic(lock, foreign)
    return append(path, text)
  }
  const lines: string[] = []
  const cells = await start(files, [supervised], async (line) => {
    lines.push(line)
    if (!line.startsWith('waiting')) return
    for (const name of [`${key}.safetensors`, `${key}.json`]) {
      await files.writeAtomic(`out/cells/${name}`, await elsewhere.readFile(`out/cells/${name}`))
    }
    await files.remove(lock)
  })
  assert.is(digest(cells), whole)
  assert.equal(lines.slice(0, 2), [
    `[2/3] ${supervised}  was taken over by another process`,
    `waiting for [2/3] ${supervised}: process 9 of far is at it since 2026-01-02 03:04:05`,
  ])
  assert.match(
    lines[2],
    /^\[2\/3\] seed0\/4px\/supervised {2}.* s {2}.* accuracy .* % {2}ECE .* % {2}\(by another process\)$/,
  )
  assert.is(lines.length, 3)
})

test('a write that fails since the lock is not ours any more is no fault; one that fails while it is ours is', async () => {
  for (const lost of [true, false]) {
    const files = memoryFiles()
    const { writeAtomic } = files
    files.writeAtomic = async (path, bytes) => {
      if (!path.endsWith(`${key}.safetensors`)) return writeAtomic(path, bytes)
      if (lost) await writeAtomic(lock, foreign)
      throw new FileError(`cannot write ${path}`)
    }
    const stop = new AbortController()
    const lines: string[] = []
    let error: unknown
    const tell = (line: string) => {
      lines.push(line)
      if (line.startsWith('waiting')) stop.abort()
    }
    await start(files, [supervised], tell, stop.signal).catch((fault) => {
      error = fault
    })
    assert.instance(error, lost ? AbortedError : FileError)
    assert.is(lines.includes(`[2/3] ${supervised}  was taken over by another process`), lost)
  }
})

test('others are waited for only when nothing else is to be done, and an abort ends the waiting', async () => {
  const files = memoryFiles({ [lock]: foreign })
  const stop = new AbortController()
  const lines: string[] = []
  const all = stages.map(({ id }) => id)
  const tell = (line: string) => {
    lines.push(line)
    if (line.startsWith('waiting')) stop.abort()
  }
  let error: unknown
  await start(files, all, tell, stop.signal).catch((fault) => {
    error = fault
  })
  assert.instance(error, AbortedError)
  assert.equal(
    lines.map((line) => line.split(' ')[1].replace(/:$/, '')),
    ['seed0/teacher', 'seed0/4px/cqkd-T4', 'for'],
  )
  assert.ok(await files.exists(lock), 'it is not ours')
})

test('a lock that says nothing is told of once', async () => {
  const stop = new AbortController()
  const lines: string[] = []
  setTimeout(() => stop.abort(), 150)
  await start(memoryFiles({ [lock]: '' }), [supervised], (line) => lines.push(line), stop.signal).catch((fault) => {
    assert.instance(fault, AbortedError)
  })
  const mute = `waiting for [2/3] ${supervised}: its lock says nothing; it is taken over if it stays so for two minutes`
  assert.equal(lines, [mute])
})

test('what a process that was killed left beside a finished cell is removed', async () => {
  const files = memoryFiles()
  await start(files, [supervised], () => {})
  const dead = JSON.stringify({ ...JSON.parse(foreign), host: 'near', machine: 'near', pid: 1 })
  for (const end of ['checkpoint.safetensors', 'json.7-x.tmp']) await files.writeAtomic(`out/cells/${key}.${end}`, '')
  await files.writeAtomic(lock, dead)
  await start(files, [supervised], () => {})
  const names = (await files.list('out/cells')).map(({ name }) => name)
  assert.equal(names, [`${key}.json`, `${key}.safetensors`])
})

test.run()
