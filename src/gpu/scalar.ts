// What a kernel's parameters may be.

/** A number that may change between replays. Pass it where a kernel's parameter is expected. */
export class Scalar {
  constructor(
    readonly name: string,
    public value: number,
  ) {}

  /** For messages. */
  toString(): string {
    return `the Scalar '${this.name}'`
  }
  toJSON(): string {
    return `${this}`
  }
}

/** A number as it is now. */
export const numberOf = (value: number | Scalar): number => (value instanceof Scalar ? value.value : value)

export type ParamValue = number | Scalar | readonly (number | Scalar)[]
