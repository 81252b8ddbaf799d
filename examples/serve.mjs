// Serves the pages that `node build.mjs` made: node examples/serve.mjs [PORT]
// / trains a ResNet-8, /bench times the kernels.
// A browser gives pages WebGPU on https and on localhost only, so another machine needs a tunnel or https in front.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../dist/example', import.meta.url))
const port = Number(process.argv[2] ?? 8080)
const kinds = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' }

if (!existsSync(folder)) {
  console.error(`${folder} is not built: node build.mjs`)
  process.exit(1)
}
const server = createServer(({ url }, response) => {
  const path = normalize(new URL(`http://localhost${url}`).pathname)
  const isFile = (name) => statSync(name, { throwIfNoEntry: false })?.isFile()
  const file = [join(folder, path), join(folder, path, 'index.html')].find(isFile)
  if (!file) return response.writeHead(404).end('not found')
  response.writeHead(200, { 'content-type': kinds[extname(file)] ?? 'application/octet-stream' })
  createReadStream(file).pipe(response)
})
server.on('error', (error) => {
  console.error(`cannot listen on port ${port}: ${error.message}. Another one: node examples/serve.mjs 9000`)
  process.exitCode = 1
})
server.listen(port, '127.0.0.1', () =>
  console.log(`http://localhost:${port} and http://localhost:${port}/bench  (Ctrl-C ends it)`),
)
