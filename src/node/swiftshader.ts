// SwiftShader, the software Vulkan driver of Chromium, from the development dependency @sparticuz/chromium. Slow, and
// always there after `npm ci`.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { AdapterError } from '../errors.ts'
import { readTar } from '../io/tar.ts'
import type { Driver } from './adapterVulkan.ts'
import { cacheFolder, install } from './cache.ts'

const library = 'libvk_swiftshader.so'
const loader = 'libvulkan.so.1'

/**
 * The packed driver inside the npm package, looked for beside our own package first, then from where Node was started.
 */
export function swiftshaderArchive(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      const entry = createRequire(from).resolve('@sparticuz/chromium')
      for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
        const archive = join(folder, 'bin', 'swiftshader.tar.br')
        if (existsSync(archive)) return archive
      }
    } catch {
      // Not installed there.
    }
  }
  return undefined
}

/** Unpacks SwiftShader into the cache, once; undefined where the package is absent or made for another machine. */
export async function openSwiftshader(): Promise<Driver | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const archive = swiftshaderArchive()
  if (!archive) return undefined
  // The size tells one release of the package from another without unpacking it.
  const folder = join(cacheFolder(), `swiftshader-${statSync(archive).size}`)
  await install(folder, async (temporary) => {
    const files = [...readTar(brotliDecompressSync(readFileSync(archive)), archive)]
    for (const name of [library, loader]) {
      const [, bytes] = files.find(([path]) => basename(path) === name) ?? []
      if (!bytes) throw new AdapterError(`${archive} holds no ${name}; try npm ci again`)
      writeFileSync(join(temporary, name), bytes, { mode: 0o755 })
    }
    const icd = { file_format_version: '1.0.0', ICD: { library_path: `./${library}`, api_version: '1.1.0' } }
    writeFileSync(join(temporary, 'icd.json'), JSON.stringify(icd))
  })
  const path = join(folder, loader)
  return { kind: 'swiftshader', origin: 'package', icd: join(folder, 'icd.json'), loader: path, libraries: [] }
}
