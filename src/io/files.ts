// What the rest of the project may do with files. It is handed in, so that browsers can give another one and tests
// one whose disk is full.

import { FileError } from '../errors.ts'

export interface FolderEntry {
  name: string
  isFolder: boolean
}

/** Paths use '/'. Everything that fails throws a FileError that names the path and the fault. */
export interface FileLayer {
  readFile(path: string): Promise<Uint8Array>
  /** Afterwards the file holds exactly `bytes` (text as UTF-8), or what it held before: never a part. */
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>
  /** Makes the file where none of that name is. Of several callers at the same time one gets true, the others false. */
  writeNew(path: string, text: string): Promise<boolean>
  /** Moves a file, over one that is there; false where there is none to move. */
  rename(from: string, to: string): Promise<boolean>
  /** Adds a line or more at the end, for logs; makes the file where it is absent. */
  append(path: string, text: string): Promise<void>
  exists(path: string): Promise<boolean>
  /** Entries of a folder, sorted by name. */
  list(path: string): Promise<FolderEntry[]>
  /** Removes a file or a folder with all in it; one that is absent is no fault. */
  remove(path: string): Promise<void>
  /** Makes a folder and those above it; one that is there is no fault. */
  makeDir(path: string): Promise<void>
}

export async function readText(files: FileLayer, path: string): Promise<string> {
  return new TextDecoder().decode(await files.readFile(path))
}

/** Files in memory: for browsers and tests. Folders exist where a file lies in them or where they were made. */
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
