// What a study asks of a data set, before an hour is spent on finding out.
import { balancedShares, countLabels, type DatasetPair } from '../data/dataset.ts'
import { trainedOn } from './cost.ts'
import type { CommonRecipe } from './recipe.ts'
import type { Stage } from './stage.ts'
import { UsageError } from './usage.ts'

function need(ok: boolean, message: string): void {
  if (!ok) throw new UsageError(message)
}

/** What a recipe asks. Throws UsageError that names the flag. */
export function checkFits(recipe: CommonRecipe, { train, test }: DatasetPair): void {
  const { name, height, width, n } = train
  const { sizes, trainImages, calibrationImages, batch, methods, looks } = recipe
  need(height === width, `${name}: pictures are ${width}x${height}; the study takes square ones`)
  const large = sizes.find((size) => size > height)
  need(large === undefined, `--sizes ${large}: the pictures of ${name} have ${height} pixels a side`)
  const apart = calibrationImages + (looks?.heldOut ?? 0)
  const images = trainImages ?? n - apart
  const seen = looks ? ` and --looks ${looks.heldOut},${looks.test}` : ''
  const sum = `--train-images ${trainImages ?? 'all'} and --calibration-images ${calibrationImages}${seen}`
  need(images > 0 && images + apart <= n, `${sum}: ${name} has ${n} training images`)
  need(batch <= images, `--batch ${batch}: there are ${images} training images`)
  const fits = methods.includes('cqkd') || methods.includes('same-resolution')
  need(!fits || calibrationImages > 0, '--calibration-images 0: a calibrated teacher needs images to fit τ on')
  need(test.n > 0, `${name}: no test images`)
  const { crop, randAugment } = recipe.augmentation ?? {}
  const strange = crop ? 'crop' : randAugment && 'randAugment'
  need(!strange || !!train.files, `augmentation.${strange}: only imagenet has it, not ${name}`)
}

/** What its cells ask, whatever varies from one to another. Throws UsageError that names the cell. */
export function checkStages(stages: readonly Stage[], recipe: CommonRecipe, { train, test }: DatasetPair): void {
  const { name, height, n, classes } = train
  const counts = countLabels(train.labels, classes.length)
  const lowRes = recipe.methods.includes('same-resolution')
  const why = lowRes ? `same-resolution needs --sizes below ${height}` : 'generations need --generations 1 or more'
  need(stages.length > 0, `--methods ${recipe.methods}: no cell comes of that; ${why}`)
  for (const stage of stages) {
    const { id, batch, calibrationImages, looks, views } = stage
    const images = trainedOn(stage, { train: n, test: test.n })
    const apart = calibrationImages + (looks?.heldOut ?? 0)
    const held = apart > 0 ? ` and ${apart} held out` : ''
    need(images + apart <= n, `${id}: ${images} training images${held}; ${name} has ${n}`)
    const shares = stage.trainImages === null ? counts : balancedShares(images, classes.length)
    const short = shares.findIndex((share, k) => share > counts[k])
    const drawn = `${id}: ${images} training images take up to ${shares[0]} of a class`
    need(short < 0, `${drawn}; ${name} has ${counts[short]} of ${classes[short]}`)
    need(batch <= images, `${id}: --batch ${batch}, and there are ${images} training images`)
    const large = Object.values(views).find(({ size }) => size > height)
    need(!large, `${id}: pictures of ${large?.size} pixels a side; those of ${name} have ${height}`)
  }
}
