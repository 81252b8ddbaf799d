// Native code writes to file descriptor 2 directly: Dawn its "artificially reduced" warnings at every start, Mesa that
// it is not conformant. No toggle or variable turns those off, and hooks on process.stderr never see them. What does
// help is to point descriptor 2 elsewhere while an adapter is looked for, which is one call to dup3; Node has none. So
// the call is made by a shared library of some 500 bytes, written here byte by byte: loading it runs its initialiser,
// which is nothing but dup3. The descriptor is never closed on the way, so no other thread can be given the number 2.
// Where that is not possible (not Linux, no folder that may hold code) the warnings are seen, and nothing else changes.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'

const stderr = 2
const closeOnExec = 0x80000

interface Duplicate {
  from: number
  to: number
  flags: number
}

// Whoever sets one of these wants to read what drivers say.
const wanted = ['VK_LOADER_DEBUG', 'MESA_DEBUG', 'LP_DEBUG']

/**
 * Runs `work`, which must do what it does before it returns, and keeps what native code writes to the error output
 * meanwhile from the terminal: `heard` gets it.
 */
export function quietly<T>(work: () => T, heard: (text: string) => void = () => {}): T {
  if (process.platform !== 'linux' || wanted.some((name) => process.env[name])) return work()
  const silence = redirect(tmpdir()) ?? redirect(cacheFolder())
  if (!silence) return work()
  try {
    return work()
  } finally {
    heard(silence.end())
  }
}

/** Points the error output at a file until `end`, which gives what was written. Undefined where it cannot be done. */
function redirect(parent: string): { end(): string } | undefined {
  let folder = ''
  const open: number[] = []
  const clean = () => {
    for (const descriptor of open) closeSync(descriptor)
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
  try {
    folder = mkdtempSync(join(parent, 'webgpu-distill-'))
    const sink = join(folder, 'said')
    open.push(openSync('/dev/null', 'r'), openSync(sink, 'a'))
    const [saved, elsewhere] = open
    const restore = join(folder, 'restore.so')
    writeFileSync(restore, dupLibrary([{ from: saved, to: stderr, flags: 0 }], process.arch))
    const away = [
      { from: stderr, to: saved, flags: closeOnExec },
      { from: elsewhere, to: stderr, flags: 0 },
    ]
    const redirected = join(folder, 'redirect.so')
    writeFileSync(redirected, dupLibrary(away, process.arch))
    if (!runInitialiser(redirected)) {
      clean()
      return undefined
    }
    const end = () => {
      runInitialiser(restore)
      const said = readFileSync(sink, 'utf8')
      clean()
      return said
    }
    return { end }
  } catch {
    clean()
    return undefined
  }
}

// Node refuses the library because it is no addon, after its initialiser has run, and closes it again.
function runInitialiser(path: string): boolean {
  try {
    process.dlopen({ exports: {} }, path)
  } catch (error) {
    return (error as Error).message.includes('did not self-register')
  }
  return true
}

const machines: Record<string, { machine: number; code(calls: Duplicate[]): Buffer }> = {
  x64: { machine: 62, code: x64Code },
  arm64: { machine: 183, code: arm64Code },
}

/** The bytes of an ELF library whose initialiser makes these calls of dup3 and returns. */
export function dupLibrary(calls: Duplicate[], arch: string): Buffer {
  const target = machines[arch]
  if (!target) throw new RangeError(`no code for ${arch}`)
  if (calls.some((call) => call.from > 0xffff || call.to > 0xffff)) throw new RangeError('descriptor above 65535')
  const codeAt = 0x120
  const code = target.code(calls)
  const dynamicAt = codeAt + Math.ceil(code.length / 16) * 16
  const stringsAt = dynamicAt + 6 * 16
  const symbolsAt = stringsAt + 8
  const end = symbolsAt + 24
  // The dynamic linker writes to the dynamic section: it gets a page of its own, and 64 KiB is the largest page there
  // is.
  const page = 0x10000
  const file = Buffer.alloc(end)

  file.write('\x7fELF\x02\x01\x01', 'latin1')
  file.writeUInt16LE(3, 16) // a shared object
  file.writeUInt16LE(target.machine, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(64n, 32) // where the program headers lie
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(4, 56)
  file.writeUInt16LE(64, 58)

  const segment = (index: number, type: number, flags: number, words: number[]) => {
    const at = 64 + index * 56
    file.writeUInt32LE(type, at)
    file.writeUInt32LE(flags, at + 4)
    words.forEach((word, i) => {
      file.writeBigUInt64LE(BigInt(word), at + 8 + i * 8)
    })
  }
  // Offset, address, physical address, bytes in the file, bytes in memory, alignment.
  segment(0, 1, 5, [0, 0, 0, dynamicAt, dynamicAt, page])
  segment(1, 1, 6, [dynamicAt, page + dynamicAt, page + dynamicAt, end - dynamicAt, end - dynamicAt, page])
  segment(2, 2, 6, [dynamicAt, page + dynamicAt, page + dynamicAt, 96, 96, 8])
  // Without this header the linker would make every stack of the process executable.
  segment(3, 0x6474e551, 6, [0, 0, 0, 0, 0, 16])

  code.copy(file, codeAt)
  // DT_INIT, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT, DT_NULL.
  const dynamic = [12, codeAt, 5, page + stringsAt, 6, page + symbolsAt, 10, 1, 11, 24, 0, 0]
  dynamic.forEach((word, i) => {
    file.writeBigUInt64LE(BigInt(word), dynamicAt + i * 8)
  })
  return file
}

/** mov eax, 292 (dup3); mov edi, from; mov esi, to; mov edx, flags; syscall; at the end ret. */
function x64Code(calls: Duplicate[]): Buffer {
  const bytes: number[] = []
  const move = (opcode: number, value: number) =>
    bytes.push(opcode, value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24)
  for (const { from, to, flags } of calls) {
    move(0xb8, 292)
    move(0xbf, from)
    move(0xbe, to)
    move(0xba, flags)
    bytes.push(0x0f, 0x05)
  }
  return Buffer.from([...bytes, 0xc3])
}

/** movz x8, 24 (dup3); movz w0, from; movz w1, to; movz w2, flags >> 16, lsl 16; svc 0; at the end ret. */
function arm64Code(calls: Duplicate[]): Buffer {
  const words: number[] = []
  for (const { from, to, flags } of calls) {
    words.push(0xd2800308, 0x52800000 | (from << 5), 0x52800001 | (to << 5))
    words.push(0x52a00002 | ((flags >>> 16) << 5), 0xd4000001)
  }
  const code = Buffer.alloc(words.length * 4 + 4)
  for (const [i, word] of [...words, 0xd65f03c0].entries()) code.writeUInt32LE(word >>> 0, i * 4)
  return code
}
