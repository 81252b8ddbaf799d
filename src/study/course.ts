// What is looked at after every epoch where a stage asks for it: how good its networks are on images held out and on
// test images, and what they answer. Looking changes no bit of the training.
import { type Dataset, type DatasetPair, heldOut, subset } from '../data/dataset.ts'
import type { Engine } from '../engine.ts'
import type { Network } from '../nn/resnet.ts'
import type { ViewOptions } from '../ops/pictures.ts'
import { stream } from '../random.ts'
import { evaluate } from '../train/evaluate.ts'
import type { Stage } from './stage.ts'

/** A network after an epoch; fractions and nats. */
export interface Look {
  heldOut: { accuracy: number; nll: number }
  test: { accuracy: number; nll: number; ece: number }
  outputs?: string
}

/** Looks at every trained network, by name. Null where the stage does not ask for it. */
export function looking(
  engine: Engine,
  { train, test }: DatasetPair,
  stage: Stage,
  rows: ArrayLike<number>,
  views: Record<string, ViewOptions>,
  networks: Record<string, Network>,
): (() => Promise<Record<string, Look>>) | null {
  const { looks, seed, calibrationImages } = stage
  if (!looks) return null
  const order = (n: number) => stream(seed, 'subset').permutation(n)
  // After those on which τ is fitted, in the same order.
  const outside = heldOut(train.n, calibrationImages + looks.heldOut, rows, order).subarray(calibrationImages)
  const held = subset(train, outside)
  const seen = subset(
    test,
    Uint32Array.from({ length: Math.min(looks.test, test.n) }, (_, i) => i),
  )
  const look = async (name: string): Promise<Look> => {
    const view = views[stage.nodes[name].view]
    const on = (data: Dataset) => evaluate(engine, networks[name], data, { view: { ...view, augmentation: null } })
    const [a, b] = [await on(held), await on(seen)]
    return {
      heldOut: { accuracy: a.accuracy, nll: a.nll },
      test: { accuracy: b.accuracy, nll: b.nll, ece: b.ece },
      ...(looks.outputs
        ? { outputs: Buffer.from(b.logits.buffer, b.logits.byteOffset, b.logits.byteLength).toString('base64') }
        : {}),
    }
  }
  const trained = Object.keys(stage.nodes).filter((name) => stage.nodes[name].trained)
  return async () => {
    const found: Record<string, Look> = {}
    for (const name of trained) found[name] = await look(name)
    return found
  }
}

/** Logits as they were kept, float32 [images, classes]. */
export function outputsOf({ outputs = '' }: Pick<Look, 'outputs'>): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(outputs, 'base64'))
  return new Float32Array(bytes.buffer)
}
