// What one piece of work asks of the device, counted by standing in for its methods.
import type { Engine } from '../engine.ts'

type Methods = Record<string, (...values: unknown[]) => unknown>

export interface Counts {
  submits: number
  /** Uploads. */
  writes: number
  /** Objects made, by the method that made them; the encoder of every submit is not counted. */
  objects: Record<string, number>
}

/** Runs `work` and counts. The device is as before afterwards. */
export function counted(engine: Engine, work: () => void): Counts {
  const { device } = engine.gpu
  const calls: Record<string, number> = {}
  const undo = [standIn(device as unknown as Methods, /^create/, calls)]
  undo.push(standIn(device.queue as unknown as Methods, /^(submit|writeBuffer)$/, calls))
  try {
    work()
  } finally {
    for (const each of undo) each()
  }
  const { submit = 0, writeBuffer = 0, createCommandEncoder: _, ...objects } = calls
  return { submits: submit, writes: writeBuffer, objects }
}

/** Counts the calls of all methods whose names fit. Returns what undoes it. */
function standIn(object: Methods, names: RegExp, calls: Record<string, number>): () => void {
  const found = Object.getOwnPropertyNames(Object.getPrototypeOf(object)).filter((name) => names.test(name))
  for (const name of found) {
    const original = object[name]
    const value = (...values: unknown[]) => {
      calls[name] = (calls[name] ?? 0) + 1
      return original.apply(object, values)
    }
    Object.defineProperty(object, name, { configurable: true, value })
  }
  return () => {
    for (const name of found) delete object[name]
  }
}
