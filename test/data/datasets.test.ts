import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readTar } from '../../src/io/tar.ts'
import { type FindOptions, findDataset, locateDataset } from '../../src/node/datasets.ts'
import { download } from '../../src/node/fetch.ts'
import type { OfficialSource } from '../../src/node/fetchData.ts'
import { gzip, idxBytes, noise, png, refused } from './check.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const idxFiles: Record<string, Uint8Array> = {
  'train-images-idx3-ubyte.gz': gzip(idxBytes([20, 4, 4], noise(320, 1))),
  'train-labels-idx1-ubyte.gz': gzip(
    idxBytes(
      [20],
      Array.from({ length: 20 }, (_, i) => i % 10),
    ),
  ),
  't10k-images-idx3-ubyte.gz': gzip(idxBytes([10, 4, 4], noise(160, 2))),
  't10k-labels-idx1-ubyte.gz': gzip(idxBytes([10], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])),
}
const cifarRecords = (n: number, seed: number) =>
  Uint8Array.from(Array.from({ length: n }, (_, i) => [i % 10, ...noise(3072, seed + i)]).flat())

/** One tar archive of regular files. */
function tar(files: Record<string, Uint8Array>): Uint8Array {
  const blocks = Object.entries(files).flatMap(([name, data]) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124)
    header.write('        ', 148)
    header.write('0', 156)
    header.write(
      `${header
        .reduce((a, b) => a + b)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]
  })
  return new Uint8Array(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

interface Context {
  folder: string
  server: Server
  /** Loopback address of a server that gives `served`, by name. */
  address: string
  served: Record<string, Uint8Array | ((response: ServerResponse) => void)>
  asked: string[]
  lines: string[]
  options: FindOptions
}

const test = suite<Context>('finding data sets')

test.before.each(async (context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'webgpu-distill-data-'))
  context.served = {}
  context.asked = []
  context.lines = []
  context.server = createServer((request, response) => {
    const name = request.url!.slice(1)
    context.asked.push(name)
    const answer = context.served[name]
    if (typeof answer === 'function') answer(response)
    else if (answer) response.end(answer)
    else response.writeHead(404).end()
  })
  await new Promise<void>((done) => context.server.listen(0, '127.0.0.1', done))
  context.address = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`
  context.options = {
    log: (line) => context.lines.push(line),
    env: { WEBGPU_DISTILL_CACHE: join(context.folder, 'cache') },
    systemFolder: join(context.folder, 'system'),
    official: null,
    debian: null,
  }
})
test.after.each(async ({ folder, server }) => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true, force: true })
})

function put(folder: string, files: Record<string, Uint8Array>): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return folder
}
const source = ({ address }: Context, files: Record<string, Uint8Array>, members?: RegExp): OfficialSource => ({
  addresses: [address],
  megabytes: 1,
  files: Object.entries(files).map(([name, bytes]) => ({ name, sha256: sha256(bytes), members })),
})

test('the places are searched in order: given, environment, cache, system', async ({ folder, options, lines }) => {
  const system = put(join(folder, 'system'), idxFiles)
  const at = async (change: Partial<FindOptions> = {}) => {
    const { place } = (await locateDataset('fashion-mnist', { ...options, ...change }))!
    const { origin, train, hash } = await findDataset('fashion-mnist', { ...options, ...change })
    assert.is(train.n, 20)
    assert.match(hash, /^[0-9a-f]{64}$/)
    return [place, origin]
  }
  assert.equal(await at(), ['system', system])
  assert.is(await locateDataset('synthetic', options), undefined)
  const cache = put(join(folder, 'cache/data/fashion-mnist'), idxFiles)
  assert.equal(await at(), ['cache', cache])
  const env = { ...options.env, WEBGPU_DISTILL_DATA: join(folder, 'mine') }
  assert.equal(await at({ env }), ['cache', cache])
  assert.match(lines.join('\n'), /WEBGPU_DISTILL_DATA=.*mine has no fashion-mnist/)
  const mine = put(join(folder, 'mine/fashion-mnist'), idxFiles)
  assert.equal(await at({ env }), ['environment', mine])
  assert.equal(await at({ env, data: system }), ['given', system])
})

test('gzipped or not, and files with the dotted names, are one and the same set', async ({ folder, options }) => {
  const { gunzipSync } = await import('node:zlib')
  const plain = Object.entries(idxFiles).map(([name, bytes]) => {
    return [name.replace('-idx', '.idx').replace('.gz', ''), new Uint8Array(gunzipSync(bytes))]
  })
  const packed = await findDataset('fashion-mnist', { ...options, data: put(join(folder, 'a'), idxFiles) })
  const dotted = await findDataset('fashion-mnist', {
    ...options,
    data: put(join(folder, 'b'), Object.fromEntries(plain)),
  })
  assert.is(dotted.hash, packed.hash)
})

test('a given folder without the set is an error that names what is missing, never another place', async (context) => {
  const { folder, options } = context
  put(join(folder, 'system'), idxFiles)
  const data = put(join(folder, 'given'), { 'train-images-idx3-ubyte.gz': new Uint8Array(1) })
  const find = (name: string, data: string) => () => findDataset(name, { ...options, data, allowSynthetic: true })
  await refused(find('fashion-mnist', data), /given: no fashion-mnist here, missing train-labels.*t10k-labels/)
  await refused(find('cifar10', data), /missing data_batch_1\.bin, test_batch\.bin/)
  await refused(find('cifar100', data), /missing train\.bin, test\.bin/)
  await refused(find('imagefolder', join(folder, 'nowhere')), /nowhere: no imagefolder here, missing train\/, val\//)
  await refused(find('mnist', data), /unknown data set mnist, allowed are fashion-mnist, cifar10/)
})

test('a corrupt file is an error that names it, in whatever place', async ({ folder, options }) => {
  const cut = { ...idxFiles, 'train-images-idx3-ubyte.gz': idxFiles['train-images-idx3-ubyte.gz'].slice(0, 99) }
  const find = () => findDataset('fashion-mnist', { ...options, allowSynthetic: true })
  put(join(folder, 'system'), cut)
  await refused(find, /system\/train-images-idx3-ubyte\.gz: corrupt or truncated/)
  put(join(folder, 'cache/data/fashion-mnist'), cut)
  await refused(find, /cache\/data.*train-images.*corrupt or truncated/, /remove .* to have it fetched again/)
})

test('CIFAR is read from whatever training batches there are, also in the official folder', async ({
  folder,
  options,
}) => {
  const data = join(folder, 'given')
  const batches = { 'data_batch_2.bin': cifarRecords(10, 1), 'test_batch.bin': cifarRecords(10, 50) }
  put(join(data, 'cifar-10-batches-bin'), batches)
  const one = await findDataset('cifar10', { ...options, data })
  assert.equal([one.train.n, one.test.n, one.train.channels], [10, 10, 3])
  put(join(data, 'cifar-10-batches-bin'), { 'data_batch_1.bin': cifarRecords(10, 99) })
  const two = await findDataset('cifar10', { ...options, data })
  assert.is(two.train.n, 20)
  assert.not.equal(one.hash, two.hash)
})

test('what is downloaded is checked, unpacked into the cache and found there the next time', async (context) => {
  const archive = gzip(
    tar({
      'cifar-10-batches-bin/data_batch_1.bin': cifarRecords(10, 1),
      'cifar-10-batches-bin/readme.html': noise(700),
      'cifar-10-batches-bin/test_batch.bin': cifarRecords(10, 50),
    }),
  )
  context.served = { 'c.tar.gz': archive }
  const official = source(context, { 'c.tar.gz': archive }, /(data_batch_\d|test_batch)\.bin$/)
  const find = () => findDataset('cifar10', { ...context.options, official })
  const both = await Promise.all([find(), find()]) // two at once: one of them wins, both have it
  assert.is(both[0].hash, both[1].hash)
  assert.is((await find()).hash, both[0].hash)
  assert.ok(context.asked.length <= 2)
  assert.equal(readdirSync(join(context.folder, 'cache/data')), ['cifar10'])
  assert.equal(readdirSync(join(context.folder, 'cache/data/cifar10')), ['data_batch_1.bin', 'test_batch.bin'])
  assert.match(context.lines[0], /downloading cifar10 \(1 MB\) from http:/)
})

test('offline nothing is asked for, by option or by environment', async (context) => {
  const { options } = context
  const official = source(context, idxFiles)
  context.served = idxFiles
  const env = { ...options.env, WEBGPU_DISTILL_OFFLINE: '1' }
  const message = [/fashion-mnist was not found/, /--data DIR/, /apt-get install/, /without --offline/]
  await refused(() => findDataset('fashion-mnist', { ...options, official, offline: true }), ...message)
  await refused(() => findDataset('fashion-mnist', { ...options, official, env }), ...message)
  assert.equal(context.asked, [])
  assert.is((await findDataset('fashion-mnist', { ...options, official })).train.n, 20)
})

test('where all fails it is synthetic, loudly and only if allowed', async (context) => {
  const options = { ...context.options, official: source(context, idxFiles) }
  await refused(() => findDataset('fashion-mnist', options), /was not found/, /404/)
  const { origin, train } = await findDataset('fashion-mnist', { ...options, allowSynthetic: true })
  assert.equal([origin, train.name, train.height, train.channels], ['synthetic', 'synthetic', 28, 1])
  assert.match(context.lines.join('\n'), /WARNING: fashion-mnist WAS NOT FOUND\. SYNTHETIC PICTURES.*\n.*--data DIR/s)
  await refused(() => findDataset('imagefolder', { ...options, official: null, allowSynthetic: true }), /not found/)
  assert.is(existsInCache(context), false)
})

test('a cache that cannot be written is said, and is no reason to stop', async (context) => {
  writeFileSync(join(context.folder, 'cache'), 'a file where the folder should be')
  context.served = idxFiles
  const options = { ...context.options, official: source(context, idxFiles), allowSynthetic: true }
  assert.is((await findDataset('fashion-mnist', options)).origin, 'synthetic')
  assert.match(context.lines.join('\n'), /cannot write to the cache folder/)
})

test('a machine without apt-get says so and leaves nothing in the cache', async (context) => {
  const path = process.env.PATH
  process.env.PATH = join(context.folder, 'nothing')
  try {
    const options = { ...context.options, debian: 'dataset-fashion-mnist' }
    await refused(() => findDataset('fashion-mnist', options), /apt-get is not at hand|apt: no source/)
  } finally {
    process.env.PATH = path
  }
  assert.equal(readdirSync(join(context.folder, 'cache/packages')), [])
})

const existsInCache = ({ folder }: Context) =>
  readdirSync(folder).includes('cache') && readdirSync(join(folder, 'cache/data')).length > 0

test('a download that fails says why, address by address, and soon', async (context) => {
  const { address, served } = context
  const good = noise(5000)
  served.good = good
  served.wrong = noise(10)
  served.cut = (response) => {
    response.writeHead(200, { 'content-length': '5000' })
    response.write(good.slice(0, 100), () => response.destroy())
  }
  served.silent = () => {}
  served.stalled = (response) => response.writeHead(200).write(good.slice(0, 100))
  const get = (...names: string[]) =>
    download(
      names.map((name) => `${address}/${name}`),
      sha256(good),
      { log: () => {}, connectTimeout: 500, stallTimeout: 500 },
    )
  const begun = Date.now()
  await refused(() => get('none'), /none: the server answered 404/)
  await refused(() => get('wrong'), /wrong: wrong checksum \(SHA-256 [0-9a-f]{64}, expected/)
  await refused(() => get('cut'), /cut: /)
  await refused(() => get('silent'), /silent: no answer within 0\.5 s/)
  await refused(() => get('stalled'), /stalled: no further byte within 0\.5 s/)
  await refused(() => download(['http://127.0.0.1:1/x'], '', { log: () => {} }), /127\.0\.0\.1:1\/x: .+/)
  assert.equal(await get('none', 'wrong', 'silent', 'good'), good)
  assert.ok(Date.now() - begun < 5000)
})

test('a cut or corrupt tar archive is refused', async () => {
  const archive = tar({ 'a/b.bin': noise(600), 'a/c.bin': noise(10, 2) })
  assert.equal(readTar(archive, 't').get('a/c.bin'), noise(10, 2))
  for (let length = 0; length < 2 * 512 + 1024; length += 64) {
    await refused(() => readTar(archive.slice(0, length), 'x.tar'), /^x\.tar: truncated tar archive/)
  }
  await refused(() => readTar(archive.with(3, 99), 'x.tar'), /^x\.tar: corrupt tar archive at byte 0/)
})

test('a folder of pictures is found and read; a size of 0 is refused', async ({ folder, options }) => {
  const data = join(folder, 'pictures')
  for (const name of ['a', 'b']) put(join(data, 'train', name), { '1.png': png(4, 4) })
  cpSync(join(data, 'train'), join(data, 'test'), { recursive: true })
  const { train } = await findDataset('imagefolder', { ...options, data, size: 8 })
  assert.equal([train.n, train.width, train.classes], [2, 8, ['a', 'b']])
  await refused(() => findDataset('imagefolder', { ...options, data, size: 0 }), /pictures of size 0/)
  await refused(() => findDataset('synthetic', { ...options, size: 0 }), /size is 0/)
})

test('of two damaged halves the first is told, and the other ends nobody', async ({ folder, options }) => {
  const loose: unknown[] = []
  const note = (error: unknown) => loose.push(error)
  process.on('unhandledRejection', note)
  try {
    const large = cifarRecords(300, 1)
    const data = put(folder, {
      'data_batch_1.bin': large.subarray(1),
      'test_batch.bin': cifarRecords(1, 1).subarray(1),
    })
    await refused(() => findDataset('cifar10', { ...options, data }), /data_batch_1\.bin: truncated or not cifar10/)
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.equal(loose, [])
  } finally {
    process.off('unhandledRejection', note)
  }
})

test.run()
