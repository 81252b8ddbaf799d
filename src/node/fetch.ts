// Downloads that are checked before anybody sees them, and that give up quickly where there is no network.

import { createHash } from 'node:crypto'
import { FileError } from '../errors.ts'

export interface DownloadOptions {
  log: (line: string) => void
  /** Milliseconds until an address has to begin its answer. */
  connectTimeout?: number
  /** Milliseconds without a byte after which an address is given up. */
  stallTimeout?: number
}

const maxBytes = 2 ** 29

/**
 * The bytes that the first of `addresses` has and whose SHA-256 is `sha256`. Progress goes to `log` every two seconds.
 * @throws FileError that names every address and what was wrong with it
 */
export async function download(addresses: string[], sha256: string, options: DownloadOptions): Promise<Uint8Array> {
  const faults: string[] = []
  for (const address of addresses) {
    try {
      const bytes = await get(address, options)
      const found = createHash('sha256').update(bytes).digest('hex')
      if (found === sha256) return bytes
      faults.push(`${address}: wrong checksum (SHA-256 ${found}, expected ${sha256})`)
    } catch (error) {
      faults.push(`${address}: ${plain(error as Error)}`)
    }
  }
  throw new FileError(`download failed: ${faults.join('; ')}`)
}

async function get(address: string, options: DownloadOptions): Promise<Uint8Array> {
  const { log, connectTimeout = 5_000, stallTimeout = 20_000 } = options
  const abort = new AbortController()
  const within = (ms: number, what: string) =>
    setTimeout(() => abort.abort(new Error(`${what} within ${ms / 1000} s`)), ms)
  let timer = within(connectTimeout, 'no answer')
  try {
    const response = await fetch(address, { signal: abort.signal })
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status} ${response.statusText}`)
    const total = Number(response.headers.get('content-length')) || 0
    const chunks: Uint8Array[] = []
    let received = 0
    let said = Date.now()
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      timer = within(stallTimeout, 'no further byte')
      chunks.push(chunk)
      received += chunk.length
      if (received > maxBytes) throw new Error(`more than ${megabytes(maxBytes)}`)
      if (Date.now() - said >= 2_000) {
        said = Date.now()
        log(
          `${new URL(address).pathname.split('/').at(-1)}: ${megabytes(received)}${total ? ` of ${megabytes(total)}` : ''}`,
        )
      }
    }
    return new Uint8Array(Buffer.concat(chunks))
  } finally {
    clearTimeout(timer)
    abort.abort()
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** fetch hides the reason ("fetch failed") in its cause. */
function plain(error: Error): string {
  const cause = error.cause as (Error & { code?: string }) | undefined
  if (cause?.code === 'ENOTFOUND' || cause?.code === 'EAI_AGAIN') return 'the name cannot be resolved (no network?)'
  return cause?.message || cause?.code || error.message
}
