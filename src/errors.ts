// Every error a user can meet. `code` is stable, the message names the operation, quotes the offending values and
// says what to do. Nothing else in the project throws a bare Error at a user.

/** A value that came from outside, for a message: as JSON where it has such a form, at most `most` characters. */
export function quote(value: unknown, most = 60): string {
  const finite = (_: string, item: unknown) => (typeof item === 'number' && !Number.isFinite(item) ? `${item}` : item)
  let text: string
  try {
    // JSON would make null of the infinity that 1e400 is read as.
    text = typeof value === 'number' ? `${value}` : (JSON.stringify(value, finite) ?? `${value}`)
  } catch {
    text = `${Array.isArray(value) ? 'a list' : 'an object'} of too many levels`
  }
  return text.length > most ? `${text.slice(0, most - 3)}…` : text
}

/** Throws InputError for options that are no object, and for one that is not among the known. */
export function checkOptions(op: string, options: unknown, known: readonly string[]): void {
  // By its name: an object of another frame or context has another Object's prototype.
  const made = typeof options === 'object' && options !== null ? Object.getPrototypeOf(options) : undefined
  if (made !== null && made?.constructor?.name !== 'Object')
    throw new InputError(`${op}: options are an object, { ${known.join(', ')} }, got ${quote(options)}`)
  const other = Object.keys(options as object).find(
    (key) => !known.includes(key) && (options as Record<string, unknown>)[key] !== undefined,
  )
  if (other !== undefined) throw new InputError(`${op}: no option '${other}'; there are ${known.join(', ')}`)
}

export class DistillError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Shapes or layouts that do not fit together. */
export class ShapeError extends DistillError {
  constructor(message: string) {
    super('shape', message)
  }
}

/** A value, option, file or data set that cannot be used as given. */
export class InputError extends DistillError {
  constructor(message: string, options?: ErrorOptions) {
    super('input', message, options)
  }
}

/** WGSL that does not compile, or a dispatch that does not fit its shader. */
export class ShaderError extends DistillError {
  constructor(message: string) {
    super('shader', message)
  }
}

/** The adapter could not give the memory that was asked for. */
export class OutOfMemoryError extends DistillError {
  constructor(message: string) {
    super('out-of-memory', message)
  }
}

/** The device is gone (driver reset, destroyed, unplugged). Checkpoints stay good. */
export class DeviceLostError extends DistillError {
  constructor(message: string) {
    super('device-lost', message)
  }
}

/** No usable adapter, or the chosen one is not there. */
export class AdapterError extends DistillError {
  constructor(message: string) {
    super('adapter', message)
  }
}

/** The name that was asked for is neither a word of ours nor part of an adapter's name. */
export class UnknownAdapterError extends AdapterError {}

/** A file that could not be read or written. Names the path and the system's reason. */
export class FileError extends DistillError {
  constructor(message: string, options?: ErrorOptions) {
    super('file', message, options)
  }
}
