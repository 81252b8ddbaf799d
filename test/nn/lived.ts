import { type ResNetConfig, resnet } from '../../src/nn/resnet.ts'
import { stream } from '../../src/random.ts'
import { assign } from '../../src/tensor.ts'
import { uniform } from '../check.ts'
import { engine } from '../device.ts'

/** A network whose norms are not the identity. */
export function lived(config: ResNetConfig) {
  const network = resnet(engine.gpu, config, stream(3, 'lived'))
  for (const [i, name] of network.parameters.names().entries()) {
    const t = network.parameters.get(name)
    const around1 = () => uniform(t.size, i).map((v) => 1 + v / 2)
    if (/running_var|(bn\d?|downsample\.1)\.weight/.test(name)) assign(t, around1())
    else if (/running_mean|(bn\d?|downsample\.1)\.bias/.test(name)) assign(t, uniform(t.size, i))
  }
  return network
}
