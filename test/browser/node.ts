// The same program in a Node process of its own: node.ts ADAPTER. Prints the losses as JSON.
import { init } from '../../src/node.ts'
import { tenSteps } from './program.ts'

const engine = await init({ adapter: process.argv[2], offline: true })
try {
  console.log(JSON.stringify({ adapter: engine.info.adapter, result: await tenSteps(engine) }))
} finally {
  engine.destroy()
}
