// Weights of a ResNet, equal for every contestant.
import { convolutionsOf } from '../resnet.js'
import { constant, uniform } from './values.js'

/** Inputs by the names `prefix.conv1.weight` and so on. A used network's norms are no longer 1, 0, 0, 1. */
export function weights(prefix, config, { used = false } = {}) {
  const inputs = {}
  const add = (name, value) => (inputs[`${prefix}.${name}`] = value)
  const around = (name, shape, offset) => uniform(`${prefix}.${name}`, shape, { scale: used ? 0.2 : 0, offset })
  for (const { conv, norm, from, to, kernel } of convolutionsOf(config)) {
    // The deviation of Kaiming's fan-out rule.
    const scale = Math.sqrt(6 / (to * kernel * kernel))
    add(`${conv}.weight`, uniform(`${prefix}.${conv}`, [to, from, kernel, kernel], { scale }))
    add(`${norm}.weight`, around(`${norm}.weight`, [to], 1))
    add(`${norm}.bias`, around(`${norm}.bias`, [to], 0))
    add(`${norm}.running_mean`, around(`${norm}.running_mean`, [to], 0))
    add(`${norm}.running_var`, around(`${norm}.running_var`, [to], 1))
  }
  const { classes, widths } = config
  const scale = 1 / Math.sqrt(widths[2])
  add('fc.weight', uniform(`${prefix}.fc.weight`, [classes, widths[2]], { scale }))
  add('fc.bias', used ? uniform(`${prefix}.fc.bias`, [classes], { scale }) : constant([classes], 0))
  return inputs
}
