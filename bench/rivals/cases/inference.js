// The latency of one picture: from the host's numbers to the logits on the host, one picture after another.
import { flopsOf } from '../resnet.js'
import { uniform } from './values.js'
import { weights } from './weights.js'

export const inference = [
  { size: '28x28', channels: 1, side: 28 },
  { size: '32x32x3', channels: 3, side: 32 },
].map(({ size, channels, side }) => {
  const network = { depth: 8, widths: [16, 32, 64], channels, side, classes: 10 }
  return {
    name: `one picture through ResNet-8, ${size}`,
    family: 'inference',
    network,
    flops: flopsOf(network, side),
    tolerance: 1e-5,
    inputs: () => ({
      x: uniform('x', [1, channels, side, side], { scale: 1.7 }),
      ...weights('network', network, { used: true }),
    }),
  }
})
