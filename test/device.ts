// The engine that all GPU tests share.
import type { Engine } from '../src/engine.ts'
import { init } from '../src/node.ts'

/** WEBGPU_DISTILL_ADAPTER chooses; our own programs may fetch lavapipe. */
export const engine: Engine = await init({
  adapter: process.env.WEBGPU_DISTILL_ADAPTER,
  fetchLavapipe: true,
  log: (line) => process.stdout.write(`${line}\n`),
})

const closers = (globalThis as { TEST_CLOSERS?: (() => void)[] }).TEST_CLOSERS ?? []
closers.push(() => engine.destroy())
;(globalThis as { TEST_CLOSERS?: (() => void)[] }).TEST_CLOSERS = closers
