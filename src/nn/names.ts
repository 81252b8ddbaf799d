// Networks by name, as recipes and command lines say them, and back.
import { InputError } from '../errors.ts'
import { architecture, CIFAR_DEPTHS, IMAGENET_DEPTHS, type ResNetConfig } from './architecture.ts'

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

/** A name that `networkNamed` reads as this network, but for classes, input channels and the kind of shortcut. */
export function nameOf(config: ResNetConfig): string {
  const { depth, widen, widths, stemWidth, stem, stemStride, embedding } = config
  const ends = `${stemStride ? `/${stemStride}` : ''}${embedding ? `@${embedding}` : ''}`
  if (widen !== undefined) return `wrn-${depth}-${widen}${ends}`
  if (stemWidth === 32 && widths?.join() === '64,128,256') return `resnet${depth}x4${ends}`
  return `resnet${depth}${stem === '3x3' ? '-3x3' : ''}${widths ? `:${widths.join()}` : ''}${ends}`
}

function familyOf({ depth, widen }: Partial<ResNetConfig>): 'cifar' | 'imagenet' | 'wide' {
  if (widen !== undefined) return 'wide'
  return depth !== undefined && IMAGENET_DEPTHS.includes(depth) ? 'imagenet' : 'cifar'
}

function withoutUndefined(config: ResNetConfig): ResNetConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as typeof config
}
