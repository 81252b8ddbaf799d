// Locks between processes that share a folder: several stand-ins of this process with numbers of their own.
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FileError } from '../../src/errors.ts'
import { type FileLayer, readText } from '../../src/io/files.ts'
import { makeNodeFiles, nodeFiles } from '../../src/node/files.ts'
import { type Holder, isLease, type Lease, Locks, type LocksOptions, thisProcess } from '../../src/study/locks.ts'
import { memoryFiles } from '../memoryFiles.ts'

const test = suite('locks')

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const path = 'cells/a.lock'

/** A process of a machine, alone among the living. */
function process_(files: FileLayer, pid: number, machine = 'one', more: LocksOptions = {}) {
  return new Locks(files, 'cells', { me: { host: machine, machine, pid }, alive: () => false, ...more })
}

async function leased(locks: Locks): Promise<Lease> {
  const taken = await locks.take('a', 'teacher')
  assert.ok(isLease(taken), 'the lock was to be had')
  return taken as Lease
}

async function refused(locks: Locks): Promise<Holder> {
  const taken = await locks.take('a', 'teacher')
  assert.not(isLease(taken), 'somebody else has the lock')
  return taken as Holder
}

test('one of many gets a lock, the others learn who; when it is released the next one gets it', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'locks-'))
  try {
    for (const [files, root] of [
      [nodeFiles, folder],
      [memoryFiles(), 'cells'],
    ] as const) {
      const all = [1, 2, 3, 4].map(
        (pid) => new Locks(files, root, { me: { host: 'h', machine: 'm', pid }, alive: () => true }),
      )
      for (let round = 0; round < 20; round++) {
        const taken = await Promise.all(all.map((locks) => locks.take('a', 'teacher')))
        assert.is(taken.filter(isLease).length, 1)
        const winner = taken.findIndex(isLease) + 1
        for (const other of taken)
          if (!isLease(other) && other.pid) assert.equal([other.pid, other.host], [winner, 'h'])
        assert.is((await all[0].holder('a'))?.work.id, 'teacher')
        await taken.find(isLease)!.release()
        assert.is(await all[0].holder('a'), null)
      }
    }
    assert.equal(await nodeFiles.list(folder), [])
  } finally {
    await fs.rm(folder, { recursive: true })
  }
})

test('the lock of a process that was killed on this machine is taken over at once', async () => {
  const files = memoryFiles()
  await leased(process_(files, 1))
  const second = process_(files, 2)
  assert.is(await second.holder('a'), null, 'the dead are at no work')
  const lease = await leased(second)
  assert.is((await second.holder('a'))?.pid, 2)
  assert.is(lease.after?.pid, 1)
  // Its own lock is not taken for one of a former life, but one of an earlier process with its number is.
  assert.is((await refused(second)).pid, 2)
  const reborn = process_(files, 2)
  await leased(reborn)
  await lease.release()
  assert.is((await reborn.holder('a'))?.pid, 2, 'who has lost a lock does not release the next one')
})

test('of several that find a dead lock, one gets it', async () => {
  for (let round = 0; round < 20; round++) {
    const files = memoryFiles()
    await leased(process_(files, 1))
    const alive = (pid: number) => pid > 1
    const taken = await Promise.all([2, 3, 4].map((pid) => process_(files, pid, 'one', { alive }).take('a', 'teacher')))
    assert.is(taken.filter(isLease).length, 1)
    assert.equal(
      (await files.list('cells')).map(({ name }) => name),
      ['a.lock'],
    )
  }
})

test('who moves a lock aside that the next holder sweeps away looks again', async () => {
  const files = memoryFiles()
  await leased(process_(files, 1))
  const { rename } = files
  files.rename = async (from, to) => {
    files.rename = rename
    const moved = await rename(from, to)
    await files.remove(to)
    return moved
  }
  await leased(process_(files, 2))
  assert.is((await process_(files, 3, 'other').holder('a'))?.pid, 2)
})

test('a lock that is released and taken by a third while it is read is read again; one that cannot be read is told', async () => {
  const files = memoryFiles()
  const first = await leased(process_(files, 1))
  const { readFile } = files
  const alive = () => true
  files.readFile = async (path) => {
    files.readFile = readFile
    await first.release()
    const missed = await readFile(path).catch((error) => error)
    await leased(process_(files, 3))
    throw missed
  }
  assert.is((await refused(process_(files, 2, 'one', { alive }))).pid, 3)
  files.readFile = () => Promise.reject(new FileError('cannot read cells/a.lock: the disk reports an error (EIO)'))
  const error = await process_(files, 2)
    .take('a', 'teacher')
    .catch((fault) => fault)
  assert.instance(error, FileError)
})

test('a lock of another machine is taken over when its beat has stood still, and not before', async () => {
  const files = memoryFiles()
  const far = await leased(process_(files, 1, 'far', { beatSeconds: 0.02 }))
  const near = process_(files, 1, 'near', { staleSeconds: 0.2 })
  for (let i = 0; i < 12; i++) {
    assert.is((await refused(near)).host, 'far', 'it beats')
    assert.is((await near.holder('a'))?.host, 'far')
    await pause(30)
  }
  await far.release()
  await leased(process_(files, 1, 'far', { beatSeconds: 1000 }))
  await refused(near)
  await pause(100)
  await refused(near)
  await pause(150)
  assert.is(await near.holder('a'), null)
  await leased(near)
})

test('a holder that was taken for dead finds out and lets go; what it tells is in the file', async () => {
  const files = memoryFiles()
  const far = await leased(process_(files, 1, 'far', { beatSeconds: 0.05 }))
  // As if it had slept for minutes: whoever looks twice finds the same beat.
  const near = process_(files, 2, 'near', { beatSeconds: 0.02, staleSeconds: 0 })
  await refused(near)
  const lease = await leased(near)
  far.tell({ step: 3, steps: 9, imagesPerSecond: 1, loss: 2, seconds: 4, first: 0 })
  await pause(150)
  assert.is(far.lost.aborted, true)
  assert.is(lease.lost.aborted, false)
  lease.tell({ step: 5, steps: 9, imagesPerSecond: 1, loss: 2, seconds: 4, first: 0 })
  await pause(60)
  const holder = JSON.parse(await readText(files, path)) as Holder
  assert.equal([holder.host, holder.work.step], ['near', 5])
  await far.release()
  assert.ok(await files.exists(path))
  await lease.release()
  assert.not(await files.exists(path))
})

test('a full disk leaves no lock without words', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'locks-'))
  try {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const open = async (...args: Parameters<typeof fs.open>) => {
      const file = await fs.open(...args)
      file.writeFile = () => Promise.reject(full)
      return file
    }
    const writeFile = async (path: string, _: string, { flag }: { flag: string }) => {
      await fs.writeFile(path, '', { flag })
      throw full
    }
    const locks = new Locks(makeNodeFiles({ ...fs, open, writeFile } as typeof fs), folder)
    const error = await locks.take('a', 'teacher').catch((fault) => fault)
    assert.match(error.message, /^cannot write .*a\.lock: the disk is full \(ENOSPC\)$/)
    assert.equal(await fs.readdir(folder), [])
  } finally {
    await fs.rm(folder, { recursive: true })
  }
})

test('what is done under a lock comes one after the other, and a fault lets the next one go on', async () => {
  const files = memoryFiles()
  const alive = () => true
  const done: number[] = []
  const report = (pid: number) => {
    return process_(files, pid, 'one', { alive }).during('report', 'the report', async () => {
      done.push(pid)
      await pause(20)
      done.push(pid)
      if (pid === 1) throw new FileError('the disk is full')
    })
  }
  const ended = await Promise.allSettled([report(1), report(2)])
  assert.equal(
    ended.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.equal(done, [1, 1, 2, 2])
  assert.not(await files.exists('cells/report.lock'))
})

test('a lock without words is waited for, then taken over', async () => {
  const files = memoryFiles({ [path]: '' })
  const locks = process_(files, 1, 'one', { staleSeconds: 0.1 })
  assert.is((await refused(locks)).pid, 0)
  await pause(150)
  await leased(locks)
})

test('this process can be told from others', () => {
  const { host, machine, pid } = thisProcess()
  assert.ok(host && pid === process.pid)
  if (process.platform === 'linux') assert.match(machine, /^[\da-f-]{36} pid:\[\d+\]$/)
})

test('who was suspended while another did the work and released its lock has lost it', async () => {
  const files = memoryFiles()
  const lease = await leased(process_(files, 1, 'one', { staleSeconds: 0.05 }))
  await pause(10)
  await files.remove(path)
  assert.not(await lease.isLost(), 'away for a moment')
  await pause(100)
  await files.remove(path)
  assert.ok(await lease.isLost())
  assert.not(await files.exists(path), 'it does not take it again')
})

test.run()
