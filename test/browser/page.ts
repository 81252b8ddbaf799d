// The script of the page that run.ts opens: the browser's engine, and `run` for the shared programs.
import { decodePicture, type Engine, init } from '../../src/browser.ts'
import { pictureFolder } from './folder.ts'
import { convolution, tenSteps } from './program.ts'

const programs = {
  convolution,
  tenSteps,
  /** What is said to a file, as base64, that is refused. */
  refused: async (_: Engine, { file, text }: Record<string, string>) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    try {
      await decodePicture(bytes, file)
      return 'taken'
    } catch (error) {
      return (error as Error).message
    }
  },
  pictureFolder: (engine: Engine, files: Record<string, string>) => pictureFolder(engine, decodePicture, files),
}

async function run(name: keyof typeof programs, input: Record<string, string>): Promise<unknown> {
  const engine = await init()
  try {
    return { adapter: engine.info.adapter, result: await programs[name](engine, input) }
  } finally {
    engine.destroy()
  }
}

Object.assign(globalThis, { run })
