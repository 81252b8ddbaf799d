// A real browser without an installation: the headless Chromium that @sparticuz/chromium carries, with its own
// libraries, on its own SwiftShader. It is unpacked into the cache once (200 MB), as drivers are, so neither root nor
// the package's habit of writing to /tmp and to this process's environment is needed.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { type Browser, chromium, type Page } from 'playwright-core'
import { readTar } from '../../src/io/tar.ts'
import { cacheFolder, install } from '../../src/node/cache.ts'

/** Why the browser cannot run here, or undefined. */
export const whyNoChromium =
  process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `@sparticuz/chromium is for Linux on x64, this is ${process.platform} on ${process.arch}`

async function unpack(): Promise<string> {
  const bin = join(
    dirname(createRequire(join(process.cwd(), 'package.json')).resolve('@sparticuz/chromium')),
    '../../bin',
  )
  const read = (name: string) => brotliDecompressSync(readFileSync(join(bin, name)))
  const folder = join(cacheFolder(), `chromium-${statSync(join(bin, 'chromium.br')).size}`)
  return install(folder, async (temporary) => {
    for (const archive of ['al2023.tar.br', 'fonts.tar.br', 'swiftshader.tar.br']) {
      for (const [name, bytes] of readTar(read(archive), archive)) {
        const path = join(temporary, name)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, bytes, { mode: 0o755 })
      }
    }
    writeFileSync(join(temporary, 'fonts.conf'), `<fontconfig><dir>${folder}/fonts</dir></fontconfig>`)
    writeFileSync(join(temporary, 'chromium'), read('chromium.br'), { mode: 0o755 })
  })
}

const flags = [
  '--no-sandbox',
  '--no-zygote',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--enable-unsafe-swiftshader',
  '--disable-background-networking',
  '--no-proxy-server',
]

async function launch(): Promise<Browser> {
  const folder = await unpack()
  const env = {
    FONTCONFIG_PATH: folder,
    LD_LIBRARY_PATH: join(folder, 'lib'),
    HOME: folder,
    PATH: process.env.PATH ?? '',
  }
  return chromium.launch({ executablePath: join(folder, 'chromium'), args: flags, env, timeout: 60_000 })
}

export interface Visit {
  /** Path → content; '/' is the page. */
  files: Record<string, string>
  viewport?: { width: number; height: number }
  colorScheme?: 'light' | 'dark'
  /** Of the page's own scripts; default true. */
  javaScriptEnabled?: boolean
}

const kinds: Record<string, string> = { js: 'text/javascript', wgsl: 'text/plain' }

/** Serves `files` on the loopback, opens '/' and hands the page to `work`. Everything is closed whatever happens. */
export async function visit<T>({ files, ...look }: Visit, work: (page: Page) => Promise<T>): Promise<T> {
  const server = createServer(({ url = '/' }, response) => {
    const path = url.split('?')[0]
    const body = files[path]
    const kind = kinds[path.split('.').pop() ?? ''] ?? 'text/html; charset=utf-8'
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': kind })
    response.end(body ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let browser: Browser | undefined
  try {
    browser = await launch()
    const page = await browser.newPage(look)
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    return await work(page)
  } finally {
    await browser?.close()
    server.closeAllConnections()
    server.close()
  }
}
