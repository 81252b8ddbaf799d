// Networks by name, as recipes and command lines say them, and back.
import { InputError } from '../errors.ts'
import { architecture, CIFAR_DEPTHS, IMAGENET_DEPTHS, type ResNetConfig, withoutUndefined } from './architecture.ts'

/** The grammar, for help. */
export const NETWORK_GRAMMAR = 'resnetD[:W,W,W], resnetDx4, resnetD-3x3 or wrn-D-K, then [/STEMSTRIDE] and [@EMBEDDING]'

/** What `networkNamed` takes, for messages. */
export const NETWORK_NAMES =
  `resnetD[:W,W,W] (D one of ${CIFAR_DEPTHS.join(', ')}; W the stages' widths), resnet8x4 or resnet32x4, ` +
  `resnetD or resnetD-3x3 (D one of ${IMAGENET_DEPTHS.join(', ')}; 3x3: a stem for small pictures), wrn-D-K (D = 6n + 4); ` +
  'then [/S] for the stride of the stem and [@N] for an embedding of N dimensions'

const GRAMMAR =
  /^(?:resnet(?<depth>\d+)(?:(?<by4>x4)|(?<small>-3x3)?(?::(?<widths>\d+(?:,\d+)*))?)|wrn-(?<wide>\d+)-(?<widen>\d+))(?:\/(?<stride>\d+))?(?:@(?<embedding>\d+))?$/

/**
 * The network called `name`. Within the CIFAR family, what the name leaves out stays as in `before`; classes and input
 * channels always do. Throws InputError that says what is possible.
 */
export function networkNamed(name: string, before: Partial<ResNetConfig> = {}): ResNetConfig {
  const parts = GRAMMAR.exec(name)?.groups
  if (!parts) throw new InputError(NETWORK_NAMES)
  const { depth, by4, small, widths, wide, widen, stride, embedding } = parts
  const family = familyOf({ depth: Number(depth ?? wide), widen: widen ? Number(widen) : undefined })
  if ((by4 && family !== 'cifar') || (small && family !== 'imagenet')) throw new InputError(NETWORK_NAMES)
  const { classes, channels, shortcut } = before
  const kept = family === 'cifar' && !by4 && familyOf(before) === 'cifar' ? before : { classes, channels, shortcut }
  const config: ResNetConfig = withoutUndefined({
    ...kept,
    depth: Number(depth ?? wide),
    ...(widen ? { widen: Number(widen), shortcut: undefined } : {}),
    ...(by4 ? { widths: [64, 128, 256], stemWidth: 32 } : {}),
    ...(widths ? { widths: widths.split(',').map(Number), stemWidth: undefined } : {}),
    ...(small ? { stem: '3x3' as const } : {}),
    ...(stride ? { stemStride: Number(stride) } : {}),
    ...(embedding ? { embedding: Number(embedding) } : {}),
  })
  architecture(config)
  return config
}

/**
 * A name that `networkNamed` reads as this network, but for classes, input channels and the kind of shortcut. What no
 * name can say stands behind it in parentheses, and such a name is refused there.
 */
export function nameOf(config: ResNetConfig): string {
  const { depth, widen, widths, stemWidth, stem, stemStride, embedding } = config
  const family = familyOf(config)
  const by4 = family === 'cifar' && stemWidth === 32 && widths?.join() === '64,128,256'
  const own = widen === undefined ? widths : [16, 32, 64].map((width) => width * widen)
  const stemOwn = family === 'wide' ? 16 : (widths?.[0] ?? (family === 'imagenet' ? 64 : 16))
  const more = [
    ...(widths && own?.join() !== widths.join() ? [`widths ${widths.join()}`] : []),
    ...(!by4 && stemWidth !== undefined && stemWidth !== stemOwn ? [`stem width ${stemWidth}`] : []),
    ...(family !== 'imagenet' && stem === '7x7' ? ['stem 7x7'] : []),
  ]
  const ends = `${stemStride ? `/${stemStride}` : ''}${embedding ? `@${embedding}` : ''}`
  const rest = more.length ? `${ends} (${more.join('; ')})` : ends
  if (widen !== undefined) return `wrn-${depth}-${widen}${rest}`
  if (by4) return `resnet${depth}x4${rest}`
  const small = family === 'imagenet' && stem === '3x3'
  return `resnet${depth}${small ? '-3x3' : ''}${widths ? `:${widths.join()}` : ''}${rest}`
}

function familyOf({ depth, widen }: Partial<ResNetConfig>): 'cifar' | 'imagenet' | 'wide' {
  if (widen !== undefined) return 'wide'
  return depth !== undefined && IMAGENET_DEPTHS.includes(depth) ? 'imagenet' : 'cifar'
}
