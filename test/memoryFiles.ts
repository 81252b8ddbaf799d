// A disk for tests.
import { FileError } from '../src/errors.ts'
import type { FileLayer } from '../src/io/files.ts'

/** Files in memory. Folders exist where a file lies in them or where they were made. */
export function memoryFiles(initial: Record<string, Uint8Array | string> = {}): FileLayer {
  const toBytes = (data: Uint8Array | string) =>
    typeof data === 'string' ? new TextEncoder().encode(data) : data.slice()
  const held = new Map(Object.entries(initial).map(([path, data]) => [path, toBytes(data)]))
  const folders = new Set<string>()
  const absent = (path: string) => new FileError(`${path}: no such file or folder`)
  const under = (path: string) => [...held.keys(), ...folders].filter((key) => key.startsWith(`${path}/`))
  const exists = (path: string) => held.has(path) || folders.has(path) || under(path).length > 0
  return {
    async readFile(path) {
      const bytes = held.get(path)
      if (!bytes) throw absent(path)
      return bytes.slice()
    },
    async writeAtomic(path, bytes) {
      held.set(path, toBytes(bytes))
    },
    async writeNew(path, text) {
      if (exists(path)) return false
      held.set(path, toBytes(text))
      return true
    },
    async rename(from, to) {
      const bytes = held.get(from)
      if (bytes) held.set(to, bytes)
      return held.delete(from)
    },
    async append(path, text) {
      const before = held.get(path) ?? new Uint8Array()
      const after = toBytes(text)
      const whole = new Uint8Array(before.length + after.length)
      whole.set(before)
      whole.set(after, before.length)
      held.set(path, whole)
    },
    async exists(path) {
      return exists(path)
    },
    async list(path) {
      if (!exists(path)) throw absent(path)
      const names = new Map<string, boolean>()
      for (const key of under(path)) {
        const [name, ...rest] = key.slice(path.length + 1).split('/')
        names.set(name, names.get(name) || rest.length > 0 || folders.has(key))
      }
      return Array.from(names, ([name, isFolder]) => ({ name, isFolder })).sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    async remove(path) {
      for (const key of [path, ...under(path)]) {
        held.delete(key)
        folders.delete(key)
      }
    },
    async makeDir(path) {
      folders.add(path)
    },
  }
}
