// The script of the page that run.ts opens: the browser's engine, and `run` for the shared programs.
import { init } from '../../src/browser.ts'
import { convolution, tenSteps } from './program.ts'

const programs = { convolution, tenSteps }

async function run(name: keyof typeof programs): Promise<unknown> {
  const engine = await init()
  try {
    return { adapter: engine.info.adapter, result: await programs[name](engine) }
  } finally {
    engine.destroy()
  }
}

Object.assign(globalThis, { run })
