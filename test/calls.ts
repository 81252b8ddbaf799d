// How often methods of an object that is not ours, as a GPUDevice, are called.

/** Counts until `stop`. `take` gives the calls since it was last asked. */
export function countCalls(target: object, names: readonly string[]): { take(): number; stop(): void } {
  const object = target as Record<string, (...args: unknown[]) => unknown>
  let calls = 0
  for (const name of names) {
    const original = object[name]
    const value = (...args: unknown[]) => {
      calls++
      return original.apply(target, args)
    }
    Object.defineProperty(target, name, { configurable: true, value })
  }
  return {
    take: () => {
      const since = calls
      calls = 0
      return since
    },
    stop: () => {
      for (const name of names) delete object[name]
    },
  }
}

/** Whatever makes a GPU object, but for the encoder that every submit needs. */
export function creators(device: GPUDevice): string[] {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(device)).filter((name) => name.startsWith('create'))
  return names.filter((name) => name !== 'createCommandEncoder')
}
