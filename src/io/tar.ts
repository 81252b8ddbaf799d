// As much of tar as the archives that we unpack need, CIFAR's and SwiftShader's: regular files with short names.

import { InputError } from '../errors.ts'

/** The regular files of an unpacked archive, by path. @throws InputError for a cut or corrupt one */
export function readTar(bytes: Uint8Array, file: string): Map<string, Uint8Array> {
  const text = (from: number, length: number) => {
    const raw = new TextDecoder('latin1').decode(bytes.subarray(from, from + length))
    return raw.split('\0', 1)[0]
  }
  const files = new Map<string, Uint8Array>()
  for (let at = 0; ; ) {
    const header = bytes.subarray(at, at + 512)
    if (header.length < 512) throw new InputError(`${file}: truncated tar archive`)
    if (header.every((byte) => byte === 0)) return files
    // The checksum counts its own eight bytes as blanks.
    const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    const size = Number.parseInt(text(at + 124, 12), 8)
    if (sum !== Number.parseInt(text(at + 148, 8), 8) || !(size >= 0)) {
      throw new InputError(`${file}: corrupt tar archive at byte ${at}`)
    }
    const [name, kind, prefix] = [text(at, 100), text(at + 156, 1), text(at + 345, 155)]
    at += 512
    if (at + size > bytes.length) throw new InputError(`${file}: truncated tar archive, in ${name}`)
    if (kind === '0' || kind === '') files.set(prefix ? `${prefix}/${name}` : name, bytes.subarray(at, at + size))
    at += Math.ceil(size / 512) * 512
  }
}
