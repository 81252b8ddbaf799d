// How long a recorded step takes on the device, by the timestamps it writes itself. For measuring only: training never
// asks for it.
import { InputError } from '../errors.ts'
import type { Gpu } from './gpu.ts'
import { Storage } from './memory.ts'
import type { Tape } from './tape.ts'

const COPY_SRC = 0x4
const QUERY_RESOLVE = 0x200
const MOST = 4096

export class Stopwatch {
  private queries: GPUQuerySet
  private marks: Storage

  private constructor(private gpu: Gpu) {
    const { device } = gpu
    const bytes = 8 * MOST
    this.queries = device.createQuerySet({ label: 'stopwatch', type: 'timestamp', count: MOST })
    this.marks = new Storage(gpu, bytes, 'timestamps')
    this.marks.buffer = device.createBuffer({ label: 'timestamps', size: bytes, usage: QUERY_RESOLVE | COPY_SRC })
  }

  /** Null where the device writes no timestamps. */
  static of(gpu: Gpu): Stopwatch | null {
    return gpu.device.features.has('timestamp-query') ? new Stopwatch(gpu) : null
  }

  /** Runs the step as usual, in one pass; the seconds from its first dispatch to the end of its last. */
  async whole(tape: Tape): Promise<number> {
    return (await this.run(tape, tape.commands.length))[0]
  }

  /** Runs the step with a pass a dispatch; the seconds of each. Throws InputError beyond 2,048 dispatches. */
  async each(tape: Tape): Promise<number[]> {
    return this.run(tape, 1)
  }

  private async run(tape: Tape, perPass: number): Promise<number[]> {
    const { gpu, queries, marks } = this
    const dispatches = tape.commands.length
    const passes = Math.ceil(dispatches / Math.max(1, perPass))
    if (2 * passes > MOST) throw new InputError(`stopwatch: ${dispatches} dispatches, at most ${MOST / 2}`)
    if (passes === 0) return []
    tape.upload()
    const encoder = gpu.device.createCommandEncoder({ label: tape.label })
    for (let i = 0; i < passes; i++) {
      const first = i * perPass
      const timestampWrites = {
        querySet: queries,
        beginningOfPassWriteIndex: 2 * i,
        endOfPassWriteIndex: 2 * i + 1,
      }
      const pass = encoder.beginComputePass({ label: tape.label, timestampWrites })
      tape.encode(pass, first, Math.min(dispatches, first + perPass))
      pass.end()
    }
    encoder.resolveQuerySet(queries, 0, 2 * passes, marks.buffer!, 0)
    gpu.submit(encoder.finish({ label: tape.label }), tape)
    const read = await gpu.read({ storage: marks, offset: 0, bytes: 16 * passes })
    const nanoseconds = new BigInt64Array(read)
    return Array.from({ length: passes }, (_, i) => Number(nanoseconds[2 * i + 1] - nanoseconds[2 * i]) / 1e9)
  }

  destroy(): void {
    this.queries.destroy()
    this.marks.buffer?.destroy()
  }
}
