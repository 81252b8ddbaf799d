// Shared libraries by absolute path. Dawn asks the dynamic linker for `libvulkan.so.1` by name, and the driver asks for
// its own libraries by name; LD_LIBRARY_PATH is read before Node starts, so the only way to serve libraries from a
// folder of ours is to have them loaded, globally, before anybody asks: the linker then finds them by their soname.

import { readFileSync } from 'node:fs'

const RTLD_NOW = 0x2
const RTLD_GLOBAL = 0x100
// Stay loaded although Node closes what turns out not to be an addon.
const RTLD_NODELETE = 0x1000

/** Loads a library for the whole process. Undefined when it is loaded, else the linker's reason. */
export function preload(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)
  } catch (error) {
    const message = (error as Error).message
    // Node complains that the library is no addon; by then it is loaded, which is all that is wanted.
    if (!message.includes('did not self-register')) return message
  }
  return undefined
}

/** The names in the NEEDED entries of a 64-bit little-endian ELF file; empty for anything else. */
export function neededLibraries(path: string): string[] {
  const file = readFileSync(path)
  const isElf = file.length > 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1
  if (!isElf) return []
  const u64 = (at: number) => Number(file.readBigUInt64LE(at))
  const headers = u64(32)
  const headerSize = file.readUInt16LE(54)
  const headerCount = file.readUInt16LE(56)
  const loads: { offset: number; address: number; size: number }[] = []
  let dynamic = { offset: 0, size: 0 }
  for (let i = 0; i < headerCount; i++) {
    const at = headers + i * headerSize
    const type = file.readUInt32LE(at)
    if (type === 1) loads.push({ offset: u64(at + 8), address: u64(at + 16), size: u64(at + 32) })
    if (type === 2) dynamic = { offset: u64(at + 8), size: u64(at + 32) }
  }
  const names: number[] = []
  let strings = 0
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = u64(at)
    if (tag === 1) names.push(u64(at + 8))
    if (tag === 5) strings = u64(at + 8)
  }
  const home = loads.find((load) => strings >= load.address && strings < load.address + load.size)
  if (!home) return []
  const table = strings - home.address + home.offset
  return names.map((name) => file.toString('latin1', table + name, file.indexOf(0, table + name)))
}

/**
 * The libraries that `roots` need, themselves included, every one after those it needs. `find` gives the file of a
 * library name, or undefined when the system serves it.
 */
export function loadOrder(roots: string[], find: (name: string) => string | undefined): string[] {
  const order: string[] = []
  const seen = new Set<string>()
  const visit = (name: string) => {
    if (seen.has(name)) return
    seen.add(name)
    const path = find(name)
    if (!path) return
    for (const needed of neededLibraries(path)) visit(needed)
    order.push(name)
  }
  for (const root of roots) visit(root)
  return order
}
