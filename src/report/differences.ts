// What two JSON documents differ in, leaf by leaf.

export interface Difference {
  /** 'optimizer.lr'; lists are leaves. */
  path: string
  /** undefined where it is not there. */
  a: unknown
  b: unknown
}

/** In the order of `a`, then what only `b` has. Whether a key is absent or undefined makes no difference. */
export function differences(a: unknown, b: unknown, path = ''): Difference[] {
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    return keys.flatMap((key) => differences(a[key], b[key], path ? `${path}.${key}` : key))
  }
  return textOf(a) === textOf(b) ? [] : [{ path, a, b }]
}

export const isObject = (value: unknown): value is Record<string, unknown> => {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The same text for equal values, whatever the order of their keys. */
function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_, item) => {
    return isObject(item) ? Object.fromEntries(Object.entries(item).sort(([x], [y]) => (x < y ? -1 : 1))) : item
  })
}
