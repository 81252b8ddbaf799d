import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FileError, InputError } from '../../src/errors.ts'
import { writeSafetensors } from '../../src/io/safetensors.ts'
import { makeNodeFiles, nodeFiles } from '../../src/node/files.ts'
import { CELL_VERSION, keysOf, Store, type Weights } from '../../src/study/store.ts'
import { memoryFiles } from '../memoryFiles.ts'
import { smallStages } from './small.ts'

const test = suite('run store')

const weights: Weights = new Map([['student/fc.bias', { shape: [3], data: Float32Array.of(1, 2, 3) }]])
const result = { schemaVersion: CELL_VERSION, status: 'ok', outcome: { n: 1 }, stage: {}, setting: {} }
const snapshot = { step: 7, tensors: weights }

function makeStore(files: Record<string, Uint8Array | string> = {}) {
  const layer = memoryFiles(files)
  return { layer, store: new Store(layer, 'cells') }
}

async function fault(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  return assert.unreachable('nothing was thrown') as never
}

test('a finished cell is a result and its weights, and its checkpoint is gone', async () => {
  const { layer, store } = makeStore()
  assert.is(await store.result('a'), null)
  const curve = [{ epoch: 1, nodes: { student: { ce: 2.5 } } }]
  await store.saveCheckpoint('a', snapshot, 1.5, curve)
  assert.equal(await store.checkpoint('a'), { snapshot, seconds: 1.5, curve })
  await store.finish('a', result, weights)
  assert.equal(await store.result('a'), result)
  assert.equal(await store.weights('a'), weights)
  assert.is(await store.checkpoint('a'), null)
  assert.equal(
    (await layer.list('cells')).map(({ name }) => name),
    ['a.json', 'a.safetensors'],
  )
})

test('a result of a newer version is refused, one that is cut too, both by name', async () => {
  const newer = JSON.stringify({ ...result, schemaVersion: CELL_VERSION + 1 })
  const { store } = makeStore({
    'cells/a.json': newer,
    'cells/b.json': newer.slice(0, 20),
    'cells/c.json': '{}',
    'cells/d.json': 'null',
  })
  const version = await fault(store.result('a'))
  assert.instance(version, InputError)
  assert.is(
    version.message,
    `cells/a.json: schemaVersion ${CELL_VERSION + 1}; this program reads up to ${CELL_VERSION}`,
  )
  const cut = await fault(store.result('b'))
  assert.instance(cut, InputError)
  assert.match(cut.message, /^cells\/b\.json is not JSON: .*; remove it to run it again$/s)
  assert.is((await fault(store.result('c'))).message, 'cells/c.json is no cell; remove it to run it again')
  assert.is((await fault(store.result('d'))).message, 'cells/d.json is no cell; remove it to run it again')
})

test('a damaged, foreign or newer checkpoint is refused by name', async () => {
  const { layer, store } = makeStore()
  await store.saveCheckpoint('a', snapshot, 0)
  const path = store.path('a', '.checkpoint.safetensors')
  const whole = await layer.readFile(path)
  await layer.writeAtomic(path, whole.slice(0, -4))
  const cut = await fault(store.checkpoint('a'))
  assert.instance(cut, InputError)
  assert.match(cut.message, new RegExp(`^${path}: truncated.*; remove it to start the cell again$`))
  await layer.writeAtomic(path, 'what is this')
  assert.match((await fault(store.checkpoint('a'))).message, path)
  await store.finish('b', result, weights)
  await layer.writeAtomic(path, await layer.readFile(store.path('b', '.safetensors')))
  assert.match((await fault(store.checkpoint('a'))).message, `${path}: no step in it`)
  const version = new TextDecoder('latin1')
    .decode(whole)
    .replace(`"schemaVersion":"${CELL_VERSION}"`, `"schemaVersion":"${CELL_VERSION + 1}"`)
  await layer.writeAtomic(
    path,
    Uint8Array.from(version, (c) => c.charCodeAt(0)),
  )
  assert.match((await fault(store.checkpoint('a'))).message, `${path}: schemaVersion ${CELL_VERSION + 1}`)
})

test('weights that are gone are refused with what mends it', async () => {
  const { layer, store } = makeStore()
  await store.finish('a', result, weights)
  const path = store.path('a', '.safetensors')
  const remedy = /; remove cells\/a\.json to train the cell again$/
  await layer.writeAtomic(path, (await layer.readFile(path)).slice(0, -4))
  const cut = await fault(store.weights('a'))
  assert.instance(cut, InputError)
  assert.match(cut.message, /^cells\/a\.safetensors: truncated/)
  assert.match(cut.message, remedy)
  await layer.remove(path)
  assert.match((await fault(store.weights('a'))).message, remedy)
})

test('a disk that fills up leaves finished cells whole and no half file', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'store-test-'))
  try {
    const store = new Store(nodeFiles, folder)
    await store.finish('a', result, weights)
    await store.saveCheckpoint('b', snapshot, 2)
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    // The file can be made, and then takes no bytes: what a full disk does.
    const open = async (...args: Parameters<typeof fs.open>) => {
      const file = await fs.open(...args)
      file.writeFile = () => Promise.reject(full)
      return file
    }
    const blocked = new Store(makeNodeFiles({ ...fs, open } as typeof fs), folder)
    for (const attempt of [
      () => blocked.finish('b', result, weights),
      () => blocked.saveCheckpoint('b', { ...snapshot, step: 9 }, 3),
      () => blocked.finish('a', { ...result, schemaVersion: 0 }, null),
    ]) {
      const error = await fault(attempt())
      assert.instance(error, FileError)
      assert.match(error.message, /^cannot write .*: the disk is full \(ENOSPC\)$/)
    }
    assert.equal(await store.result('a'), result)
    assert.equal(await store.weights('a'), weights)
    assert.is(await store.result('b'), null)
    assert.is((await store.checkpoint('b'))?.snapshot.step, 7)
    assert.equal((await fs.readdir(folder)).sort(), ['a.json', 'a.safetensors', 'b.checkpoint.safetensors'])
  } finally {
    await fs.rm(folder, { recursive: true })
  }
})

test('a folder that cannot be made or written is told', async () => {
  const folder = await fs.mkdtemp(join(tmpdir(), 'store-test-'))
  try {
    await fs.writeFile(join(folder, 'file'), '')
    const error = await fault(new Store(nodeFiles, join(folder, 'file', 'cells')).open())
    assert.instance(error, FileError)
    assert.match(error.message, /^cannot make the folder .*file\/cells: a part of the path is a file/)
  } finally {
    await fs.rm(folder, { recursive: true })
  }
})

test('what parses and is no cell, and a damaged curve or step, are refused by name', async () => {
  const cells = [{ schemaVersion: 1 }, { ...result, schemaVersion: null }, { ...result, outcome: null }, [result]]
  for (const cell of [...cells, { ...result, status: 'great' }, { ...result, setting: 'none' }]) {
    const { store } = makeStore({ 'cells/a.json': JSON.stringify(cell) })
    assert.is((await fault(store.result('a'))).message, 'cells/a.json is no cell; remove it to run it again')
  }
  const metadata = { step: '7', seconds: '1', schemaVersion: String(CELL_VERSION), curve: '[]' }
  const damages = { step: ['', '-5', '7.5', '1e3'], curve: ['[{', 'null', '{}', '[null]', '[{ "epoch": 1 }]'] }
  for (const [key, values] of Object.entries(damages)) {
    for (const value of values) {
      const bytes = writeSafetensors([], { ...metadata, [key]: value })
      const { store } = makeStore({ 'cells/a.checkpoint.safetensors': bytes })
      const error = await fault(store.checkpoint('a'))
      assert.instance(error, InputError, `${key} ${value}: ${error}`)
      assert.match(error.message, /^cells\/a\.checkpoint\.safetensors: .*; remove it to start the cell again$/)
    }
  }
})

test('a curve with as much as networks answered does not fill the header, which readers limit', async () => {
  const { store, layer } = makeStore({})
  const outputs = 'A'.repeat(300_000)
  const look = { heldOut: { accuracy: 1, nll: 0 }, test: { accuracy: 1, nll: 0, ece: 0 }, outputs }
  const long = Array.from({ length: 5 }, (_, epoch) => ({ epoch, nodes: {}, looks: { student: look } }))
  await store.saveCheckpoint('a', snapshot, 1, long)
  const bytes = await layer.readFile('cells/a.checkpoint.safetensors')
  assert.ok(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true) < 2000n)
  const found = (await store.checkpoint('a'))!
  assert.equal(found.curve, long)
  assert.equal(found.snapshot, snapshot)
  await store.sweep('a')
})

test('two stages of one name are refused', async () => {
  const [stage] = smallStages()
  const setting = { dataHash: 'd', fingerprint: 'f', adapter: 'a', subgroupSize: 8 }
  await fault(keysOf([stage, stage], setting)).then((error) => assert.match(error.message, /^two stages are called /))
})

test.run()
