// The process of one contestant. Requests come as lines of JSON on standard input, answers go to file descriptor 3:
// libraries print what they like. Numbers travel in files.
//   node serve.js CONTESTANT
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const contestant = await import(`./contestants/${process.argv[2]}.js`)
let opened
let prepared

const requests = {
  async open(request) {
    opened = await contestant.open(request)
    return { about: opened.about, adapter: opened.adapter }
  },

  /** Builds the case, computes its results once and writes them into the case's folder. */
  async prepare({ folder, spec }) {
    const make = opened.families[spec.family]
    const why = make ? opened.lacks?.(spec) : `${spec.family} is nothing it does`
    if (why || !make) return { lacks: why }
    const inputs = {}
    for (const [name, { shape, type }] of Object.entries(spec.inputs)) {
      const { buffer, byteOffset, byteLength } = readFileSync(join(folder, name))
      const data = type === 'u32' ? new Uint32Array(byteLength / 4) : new Float32Array(byteLength / 4)
      new Uint8Array(data.buffer).set(new Uint8Array(buffer, byteOffset, byteLength))
      inputs[name] = { shape, data }
    }
    prepared = await make({ ...spec, inputs })
    const outputs = await prepared.outputs()
    await check()
    for (const [name, values] of Object.entries(outputs)) {
      const { buffer, byteOffset, byteLength } = Float32Array.from(values)
      writeFileSync(join(folder, `result.${name}`), new Uint8Array(buffer, byteOffset, byteLength))
    }
    return { outputs: Object.keys(outputs) }
  },

  async time({ calls }) {
    const start = performance.now()
    await prepared.run(calls)
    const seconds = (performance.now() - start) / 1000
    await check()
    return { seconds }
  },

  async end() {
    await prepared?.end?.()
    prepared = undefined
    return {}
  },
}

/** A result that came with a WebGPU error is none. */
async function check() {
  await opened.settle?.()
  if (opened.errors?.length > 0) throw new Error(opened.errors[0].split('\n')[0])
}

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...request } = JSON.parse(line)
  let answer
  try {
    answer = await requests[what](request)
  } catch (error) {
    answer = { error: String(error?.message ?? error).split('\n')[0] }
  }
  writeSync(3, `${JSON.stringify(answer)}\n`)
}
process.exit(0)
