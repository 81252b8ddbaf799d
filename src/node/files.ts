// The file layer of Node. A file is written beside its place, flushed to the disk and renamed into it, so that a
// crash, a full disk or Ctrl-C leaves the old file or the new one.

import { readFileSync } from 'node:fs'
import * as nodeFs from 'node:fs/promises'
import { join } from 'node:path'
import { FileError, InputError } from '../errors.ts'
import type { FileLayer } from '../io/files.ts'
import { parseJson } from '../io/json.ts'

const faults: Record<string, string> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is too large for this file system',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'something else of that name is there',
  ENOTEMPTY: 'the folder is not empty',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the disk reports an error',
  EBUSY: 'it is in use',
}

/** The system's error in plain words, as `cannot <action> <path>: <fault>`. */
export function fileFault(action: string, path: string, cause: unknown): FileError {
  if (cause instanceof FileError) return cause
  const { code = '', message } = cause as NodeJS.ErrnoException
  return new FileError(`cannot ${action} ${path}: ${faults[code] ? `${faults[code]} (${code})` : message}`, { cause })
}

/** A document that a person wrote, as `parseJson` takes it. Throws InputError for a file that cannot be read, too. */
export function readJson(path: string): unknown {
  try {
    return parseJson(readFileSync(path))
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(fileFault('read', path, error).message)
  }
}

const faultOf = (work: Promise<void>): Promise<NodeJS.ErrnoException | null> =>
  work.then(
    () => null,
    (error) => error,
  )

/** @param fs Node's `fs/promises`, or a stand-in whose calls fail. */
export function makeNodeFiles(fs: typeof nodeFs = nodeFs): FileLayer {
  const doing = async <T>(action: string, path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw fileFault(action, path, error)
    }
  }
  const there = (path: string): Promise<boolean> =>
    fs.stat(path).then(
      () => true,
      (error) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
        throw error
      },
    )
  const sweep = (path: string) => fs.rm(path, { force: true }).catch(() => {})
  /** Writes a file of another name, which `put` brings to its place. */
  const beside = async (path: string, bytes: Uint8Array | string, flush: boolean, put: (from: string) => unknown) => {
    // Other machines may write into the same folder, with the same process numbers.
    const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`
    try {
      const file = await fs.open(temporary, 'wx')
      try {
        await file.writeFile(bytes)
        if (flush) await file.sync()
      } finally {
        await file.close()
      }
      await put(temporary)
    } catch (error) {
      await sweep(temporary)
      throw error
    }
  }
  return {
    readFile: (path) =>
      doing('read', path, async () => {
        const buffer = await fs.readFile(path)
        return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      }),
    writeAtomic: (path, bytes) =>
      doing('write', path, () => beside(path, bytes, true, (temporary) => fs.rename(temporary, path))),
    writeNew: (path, text) =>
      doing('write', path, async () => {
        for (let tries = 1; ; tries++) {
          // Whoever looks at a file again and again must need no disk for it.
          if (await there(path)) return false
          // Linked, not opened anew: whoever is killed in between leaves no file without words.
          const link = (temporary: string) => fs.link(temporary, path).then(() => sweep(temporary))
          const fault = await faultOf(beside(path, text, false, link))
          if (!fault) return true
          if (fault.code === 'EEXIST') return false
          if (fault.syscall !== 'link') throw fault
          // Swept away with what others left lying about.
          if (fault.code === 'ENOENT' && tries < 20) continue
          // A file system without links.
          const made = await faultOf(fs.open(path, 'wx').then((file) => file.close()))
          if (made?.code === 'EEXIST') return false
          if (made) throw made
          const filled = await faultOf(fs.writeFile(path, text))
          if (!filled) return true
          // Made, and not filled: nobody's.
          await sweep(path)
          throw filled
        }
      }),
    rename: (from, to) =>
      doing('rename', from, async () => {
        try {
          await fs.rename(from, to)
          return true
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
          throw error
        }
      }),
    append: (path, text) => doing('write', path, () => fs.appendFile(path, text)),
    exists: (path) => doing('look at', path, () => there(path)),
    list: (path) =>
      doing('list', path, async () => {
        const entries = await fs.readdir(path, { withFileTypes: true })
        const folder = async (name: string) => (await fs.stat(join(path, name))).isDirectory()
        const found = await Promise.all(
          // A link counts as what it leads to; one that leads nowhere is a file that will fail when it is read.
          entries.map(async (entry) => ({
            name: entry.name,
            isFolder: entry.isSymbolicLink() ? await folder(entry.name).catch(() => false) : entry.isDirectory(),
          })),
        )
        return found.sort((a, b) => (a.name < b.name ? -1 : 1))
      }),
    remove: (path) => doing('remove', path, () => fs.rm(path, { recursive: true, force: true })),
    makeDir: (path) =>
      doing('make the folder', path, async () => {
        await fs.mkdir(path, { recursive: true })
      }),
  }
}

export const nodeFiles: FileLayer = makeNodeFiles()

/**
 * Makes `path` and proves that files can be written there, so that a run of hours does not find out at its end.
 * @throws FileError
 */
export async function checkWritable(files: FileLayer, path: string): Promise<void> {
  await files.makeDir(path)
  const probe = join(path, `.writable-${process.pid}`)
  await files.writeAtomic(probe, '')
  await files.remove(probe)
}
