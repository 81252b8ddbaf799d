// What the rest of the project may do with files. It is handed in, so that browsers can give another one and tests
// one whose disk is full.

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
