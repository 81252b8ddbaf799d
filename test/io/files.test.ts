import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import * as nodeFs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FileError } from '../../src/errors.ts'
import { type FileLayer, readText } from '../../src/io/files.ts'
import { checkWritable, makeNodeFiles, nodeFiles } from '../../src/node/files.ts'
import { memoryFiles } from '../memoryFiles.ts'

const test = suite<{ folder: string }>('files')

test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'webgpu-distill-files-'))
})
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }))

async function refused(work: () => Promise<unknown>, pattern: RegExp) {
  const error = await work().then(
    () => undefined,
    (error) => error,
  )
  assert.instance(error, FileError)
  assert.match(error.message, pattern)
}

/** Node's calls, of which one fails with `code`. */
function broken(call: 'writeFile' | 'sync' | 'rename' | 'open' | 'mkdir' | 'stat' | 'link', code: string): FileLayer {
  const fail = async () => {
    throw Object.assign(new Error(`${code}: raw message`), { code, syscall: call })
  }
  const open: typeof nodeFs.open = async (...args) => {
    if (call === 'open') return fail() as never
    const file = await nodeFs.open(...args)
    if (call === 'writeFile' || call === 'sync') Object.defineProperty(file, call, { value: fail })
    return file
  }
  const other = ['rename', 'mkdir', 'stat', 'link'].includes(call) ? { [call]: fail } : {}
  return makeNodeFiles({ ...nodeFs, open, ...other } as typeof nodeFs)
}

test('both layers do the same', async ({ folder }) => {
  for (const [files, root] of [
    [nodeFiles, folder],
    [memoryFiles(), 'memory'],
  ] as const) {
    await files.makeDir(`${root}/a/b`)
    await files.makeDir(`${root}/a/b`)
    await files.writeAtomic(`${root}/a/x.json`, 'één')
    await files.writeAtomic(`${root}/a/x.json`, 'second')
    await files.writeAtomic(`${root}/a/b/y`, Uint8Array.of(1, 2))
    await files.append(`${root}/a/log`, 'one\n')
    await files.append(`${root}/a/log`, 'two\n')
    assert.is(await readText(files, `${root}/a/x.json`), 'second')
    assert.is(await readText(files, `${root}/a/log`), 'one\ntwo\n')
    assert.equal(await files.readFile(`${root}/a/b/y`), Uint8Array.of(1, 2))
    assert.equal(await files.list(`${root}/a`), [
      { name: 'b', isFolder: true },
      { name: 'log', isFolder: false },
      { name: 'x.json', isFolder: false },
    ])
    assert.equal(await files.list(`${root}/a/b`), [{ name: 'y', isFolder: false }])
    assert.is(await files.exists(`${root}/a/b`), true)
    const made = await Promise.all(['1', '2', '3'].map((text) => files.writeNew(`${root}/a/b/new`, text)))
    assert.equal(made.toSorted(), [false, false, true])
    assert.is(await readText(files, `${root}/a/b/new`), `${made.indexOf(true) + 1}`)
    assert.is(await files.rename(`${root}/a/b/new`, `${root}/a/b/y`), true)
    assert.is(await files.rename(`${root}/a/b/new`, `${root}/a/b/y`), false)
    assert.is(await readText(files, `${root}/a/b/y`), `${made.indexOf(true) + 1}`)
    await files.remove(`${root}/a/b`)
    await files.remove(`${root}/a/b`)
    assert.is(await files.exists(`${root}/a/b/y`), false)
    await refused(() => files.readFile(`${root}/none`), /none: no such file or folder/)
    await refused(() => files.list(`${root}/none`), /none: no such file or folder/)
  }
})

test('faults name the path and say what is wrong', async ({ folder }) => {
  writeFileSync(join(folder, 'file'), 'x')
  await refused(() => nodeFiles.readFile(folder), /^cannot read .*: it is a folder, not a file \(EISDIR\)/)
  await refused(() => nodeFiles.list(`${folder}/file`), /^cannot list .*file: a part of the path is a file/)
  await refused(() => nodeFiles.writeAtomic(`${folder}/no/x`, ''), /^cannot write .*no\/x: no such file or folder/)
  await refused(
    () => nodeFiles.makeDir(`${folder}/file/sub`),
    /^cannot make the folder .*: a part of the path is a file/,
  )
  await refused(() => broken('stat', 'EACCES').exists(folder), /permission denied/)
  assert.is(await nodeFiles.exists(`${folder}/file/sub`), false)
})

test('a full disk, a failing flush or rename keep the old file whole and leave no other', async ({ folder }) => {
  const path = join(folder, 'cell.json')
  writeFileSync(path, 'old')
  const cases = [
    ['writeFile', 'ENOSPC', /^cannot write .*cell\.json: the disk is full \(ENOSPC\)/],
    ['sync', 'EIO', /the disk reports an error/],
    ['rename', 'EPERM', /not permitted/],
    ['open', 'EROFS', /the file system is read-only/],
    ['writeFile', 'EODD', /cell\.json: EODD: raw message/],
  ] as const
  for (const [call, code, pattern] of cases) {
    await refused(() => broken(call, code).writeAtomic(path, 'new'), pattern)
    assert.is(readFileSync(path, 'utf8'), 'old')
    assert.equal(readdirSync(folder), ['cell.json'])
  }
})

test('a new file is there with its words or not at all', async ({ folder }) => {
  const path = join(folder, 'cell.lock')
  await refused(() => broken('writeFile', 'ENOSPC').writeNew(path, 'mine'), /^cannot write .*lock: the disk is full/)
  assert.equal(readdirSync(folder), [])
  // Whoever is killed while it writes is one whose writing never ends.
  const never = () => new Promise<never>(() => {})
  let writing = () => {}
  const begun = new Promise<void>((resolve) => (writing = resolve))
  let file: nodeFs.FileHandle | undefined
  const open: typeof nodeFs.open = async (...args) => {
    file = await nodeFs.open(...args)
    writing()
    return Object.defineProperty(file, 'writeFile', { value: never })
  }
  void makeNodeFiles({ ...nodeFs, open } as typeof nodeFs).writeNew(path, 'killed')
  await begun
  assert.not(readdirSync(folder).includes('cell.lock'))
  assert.is(await nodeFiles.writeNew(path, 'mine'), true)
  assert.is(await nodeFiles.writeNew(path, 'late'), false)
  assert.is(readFileSync(path, 'utf8'), 'mine')
  await file?.close()
})

test('where files cannot be linked, a new one is opened as such', async ({ folder }) => {
  for (const code of ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK']) {
    const path = join(folder, code)
    assert.is(await broken('link', code).writeNew(path, 'mine'), true)
    assert.is(await broken('link', code).writeNew(path, 'late'), false)
    assert.is(readFileSync(path, 'utf8'), 'mine')
  }
  assert.equal(readdirSync(folder).length, 4)
  const full = async () => {
    throw Object.assign(new Error('raw message'), { code: 'ENOSPC', syscall: 'write' })
  }
  const unlinked = async () => {
    throw Object.assign(new Error('raw message'), { code: 'EPERM', syscall: 'link' })
  }
  const files = makeNodeFiles({ ...nodeFs, link: unlinked, writeFile: full } as typeof nodeFs)
  await refused(() => files.writeNew(join(folder, 'full'), 'mine'), /the disk is full/)
  assert.equal(readdirSync(folder).length, 4)
})

test('whether a file is there is told on a full disk, too', async ({ folder }) => {
  const path = join(folder, 'cell.lock')
  writeFileSync(path, 'theirs')
  assert.is(await broken('writeFile', 'ENOSPC').writeNew(path, 'mine'), false)
})

test('a new file that was swept away before it was in its place is written again', async ({ folder }) => {
  let swept = 0
  const link: typeof nodeFs.link = async (from, to) => {
    if (swept++ === 0) await nodeFs.rm(from)
    return nodeFs.link(from, to)
  }
  const path = join(folder, 'cell.lock')
  assert.is(await makeNodeFiles({ ...nodeFs, link } as typeof nodeFs).writeNew(path, 'mine'), true)
  assert.is(swept, 2)
  assert.equal(readdirSync(folder), ['cell.lock'])
})

test('an output folder that cannot be written is found out before the run', async ({ folder }) => {
  await checkWritable(nodeFiles, join(folder, 'new/out'))
  assert.equal(readdirSync(join(folder, 'new/out')), [])
  writeFileSync(join(folder, 'file'), '')
  await refused(
    () => checkWritable(nodeFiles, join(folder, 'file')),
    /cannot make the folder .*file: something else of that name/,
  )
  await refused(() => checkWritable(broken('open', 'EACCES'), folder), /cannot write .*: permission denied \(EACCES\)/)
  await refused(() => checkWritable(broken('mkdir', 'EROFS'), folder), /read-only/)
})

test('a link counts as what it leads to', async ({ folder }) => {
  await nodeFiles.makeDir(join(folder, 'real'))
  symlinkSync(join(folder, 'real'), join(folder, 'link'))
  symlinkSync(join(folder, 'gone'), join(folder, 'dead'))
  assert.equal(
    (await nodeFiles.list(folder)).map((entry) => entry.isFolder),
    [false, true, true],
  )
})

test.run()
