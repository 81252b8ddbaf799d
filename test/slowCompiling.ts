// An engine whose captured steps take long to compile, as on a cold driver.
import type { Engine } from '../src/engine.ts'

/** Every `compile()` of what `work` captures takes so many milliseconds longer. */
export async function slowlyCompiled<T>(engine: Engine, milliseconds: number, work: () => Promise<T>): Promise<T> {
  const { capture } = engine
  engine.capture = (...given) => {
    const step = capture.call(engine, ...given) as ReturnType<typeof capture<never>>
    const { compile } = step
    step.compile = async () => {
      await compile()
      await new Promise((resolve) => setTimeout(resolve, milliseconds))
    }
    return step
  }
  try {
    return await work()
  } finally {
    engine.capture = capture
  }
}
