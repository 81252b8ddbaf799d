// A model card: what a kept network is, what it was made from and how, how good it is, and what it is not good for.
import { nameOf } from '../nn/names.ts'
import { datasetName } from '../report/caption.ts'
import { duration, fixed, MISSING, percent, scaled, thousands } from '../report/format.ts'
import type { Scores } from './measure.ts'
import type { Model } from './model.ts'

/** What is known of the terms of the pictures. */
const TERMS: Record<string, string> = {
  'fashion-mnist': 'Fashion-MNIST (Zalando, Xiao et al. 2017) is under the MIT licence.',
  cifar10: 'CIFAR-10 (Krizhevsky 2009) states no licence; its authors ask to be cited.',
  cifar100: 'CIFAR-100 (Krizhevsky 2009) states no licence; its authors ask to be cited.',
  imagenet:
    'ImageNet (Russakovsky et al. 2015) is for research and education that is not commercial, under its own terms.',
  synthetic: 'The pictures are made up by this program.',
  identities: 'The pictures are made up by this program.',
}

function augmentationText(augmentation: Model['stage']['augmentation']): string {
  if (!augmentation) return 'none'
  const { shift, flip, crop, randAugment } = augmentation
  const parts = [
    shift > 0 || !crop ? `shift by up to ${shift}` : '',
    crop ? `a box of ${crop.scale.join(' to ')} of the picture` : '',
    randAugment ? `RandAugment, ${randAugment.operations} operations at ${randAugment.magnitude} of 30` : '',
    flip ? 'flip' : '',
  ]
  return parts.filter(Boolean).join(', ')
}

function verifiedText(verification: Model['result']['verification']): string {
  if (!verification) return ''
  const { samePairs, differentPairs, tar1e2, auc, eer } = verification
  const accepted = tar1e2 === null ? '' : `true accepts ${percent(tar1e2)} % at 1 % false accepts, `
  return `
Without its head, on identities that it was not trained on, by the cosine of embeddings: ${accepted}area under the ROC \
${percent(auc)} %, equal error rate ${percent(eer)} %, from ${thousands(samePairs)} pairs of one identity and \
${thousands(differentPairs)} of two.
`
}

export function modelCard(model: Model): string {
  const { stage, node, network, result, made } = model
  const { size, downscale, modality = 'colour' } = stage.views[stage.nodes[node].view]
  const { optimizer, schedule, augmentation, epochs, patience, batch, microBatches, seed } = stage
  const budget = `${epochs} epochs${patience ? `, or until ${patience} brought no lower NLL on images held out` : ''}`
  const parts = microBatches ? ` in ${microBatches} parts` : ''
  const pictures = datasetName(model.dataset)
  const statistics = model.normalisation
  const channels = `${network.channels ?? 3} ${network.channels === 1 ? 'channel' : 'channels'}`
  const others = Object.entries(stage.nodes).filter(([name]) => name !== node)
  const terms = TERMS[model.dataset] ?? 'The pictures are under the terms of whoever owns them.'
  const classes = network.classes ?? 10
  return `# ${stage.id}, ${node}

A residual network, \`${nameOf(network)}\`: ${thousands(model.parameters)} parameters, ${scaled(result.forwardFlops)}FLOP a \
picture of ${size}x${size} pixels and ${channels}, ${classes} classes. \
${model.serves.length ? `It served as ${model.serves.join(', ')}. ` : ''}\
Weights: \`${model.name}.safetensors\`, float32, under the names of PyTorch's state_dict. SHA-256 of weights and test \
logits: ${result.sha256}.

## How good it is

On ${thousands(model.testImages)} test images of ${pictures}, after the last epoch:

| | accuracy % | top-5 % | ECE % | overconfidence % | NLL | Brier | entropy |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${scoresLine('as trained', result.test)}
${result.calibrated ? `${scoresLine(`logits / ${result.tau!.toFixed(3)}`, result.calibrated)}\n` : ''}
ECE over 15 bins of equal width; overconfidence is mean confidence less accuracy; NLL and entropy in nats. On its own \
training images: accuracy ${percent(result.train.accuracy)} %, NLL ${fixed(result.train.nll, 3)}.
${verifiedText(result.verification)}
## Data

- ${pictures}, SHA-256 ${model.dataHash}.
- ${thousands(model.trainImages)} training images, drawn by seed ${seed}${heldText(model)}.
- ${size}x${size} pixels by ${downscale}${modality === 'colour' ? '' : `, as ${modality}`}; values in [0, 1], ${
    statistics
      ? `less mean ${statistics.mean.join(', ')}, by deviation ${statistics.std.join(', ')}`
      : "less the training images' mean, by their deviation"
  }.
- Augmentation: ${augmentationText(augmentation)}.

## Recipe

- ${model.loss}
- ${budget}, batch ${batch}${parts}, ${settings(optimizer)}, ${settings(schedule)}.
${others.map(([name, other]) => `- Beside it: ${name}, \`${nameOf(other.network)}\`, ${originOf(other)}.\n`).join('')}\
- Preset ${made.preset}${made.paper ? ` of ${made.paper}` : ''}: \`${made.command}\`; ${duration(model.seconds)} of training.

## Made with

webgpu-distill ${made.version}, commit ${made.commit ?? 'unknown'}, numerics ${made.fingerprint}, on ${made.adapter}\
${made.driver ? ` (${made.driver})` : ''}, ${made.finished.slice(0, 10)}. \
${made.choices ? `Kernels other than the defaults for ${Object.keys(made.choices).length} shapes. ` : ''}\
The same adapter, numerics and kernels give the same bits.

## See it again

\`\`\`
npx webgpu-distill eval ${model.name}.safetensors
npx webgpu-distill calibrate ${model.name}.safetensors
npx webgpu-distill export ${model.name}.safetensors     # as an ONNX model
\`\`\`

## Licence and limits

The weights are under the MIT licence, as webgpu-distill is. ${terms}

This is a network of a study, made to compare methods: trained on ${thousands(model.trainImages)} images, to tell \
${classes} classes of pictures like these apart. Other pictures, another size or another way of making them small lie \
outside of what was measured, and so does its calibration there. It is one seed; the study's table has the spread.
`
}

/** `adamw (lr 0.01, weightDecay 0.05)`. */
function settings({ name, ...others }: { name: string }): string {
  const told = Object.entries(others).map(([key, value]) => `${key} ${value}`)
  return told.length ? `${name} (${told.join(', ')})` : name
}

const scoresLine = (name: string, { accuracy, top5, ece, signedGap, nll, brier, entropy }: Scores) => {
  const percents = [accuracy, top5, ece, signedGap].map((x) => percent(x))
  return `| ${[name, ...percents, ...[nll, brier, entropy].map((x) => fixed(x, 3))].join(' | ')} |`
}

function heldText({ stage }: Model): string {
  const n = stage.calibrationImages
  return n > 0 ? `; ${thousands(n)} others to fit the temperature on` : ''
}

function originOf({ trained, from }: Model['stage']['nodes'][string]): string {
  if (trained) return 'trained at the same time'
  return typeof from === 'string' ? MISSING : `frozen, ${from.node} of ${from.stage}`
}
