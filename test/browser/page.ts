// The script of the page that browser.test.ts opens: the browser's engine, and `run` for the shared programs.
import { init } from '../../src/browser.ts'
import * as program from './program.ts'

async function run(name: 'convolution' | 'tenSteps'): Promise<unknown> {
  const engine = await init()
  try {
    return { adapter: engine.info.adapter, result: await program[name](engine) }
  } finally {
    engine.destroy()
  }
}

Object.assign(globalThis, { run })
