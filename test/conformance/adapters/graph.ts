// Cases of the onnx and wpt suites: one operator, or a graph of them, with or without its gradient.
import { backward } from '../../../src/autograd.ts'
import { InputError } from '../../../src/errors.ts'
import type { Tensor } from '../../../src/tensor.ts'
import type { Case } from '../cases.ts'
import { type Adapter, type Adapters, type Results, upload } from '../harness.ts'
import { arithmetic } from './arithmetic.ts'
import { layers } from './layers.ts'
import { movement } from './movement.ts'
import type { Attributes, Operators } from './operator.ts'
import { reductions } from './reductions.ts'

/** ONNX's operators by name. */
export const operators: Operators = { ...arithmetic, ...movement, ...reductions, ...layers }

interface Node {
  op: string
  attributes: Attributes
  inputs: string[]
  outputs: string[]
}

function apply(op: string, inputs: Tensor[], attributes: Attributes, outputs: readonly string[]): [string, Tensor][] {
  const operator = operators[op]
  if (!operator) throw new InputError(`${op}: not an operator of ours`)
  const results = [operator(inputs, attributes, outputs.length)].flat()
  return outputs.map((name, i) => [name, results[i]])
}

const single: Adapter = (c) => {
  const inputs = c.inputs.map((t) => upload(t))
  const names = c.outputs.map((t) => t.name)
  return Object.fromEntries(apply(c.op, inputs, c.attributes as unknown as Attributes, names))
}

/** Runs the nodes in order; `nodes` stand in that order already. */
function follow(c: Case, requiresGrad: boolean): Map<string, Tensor> {
  const { nodes, input_names } = c.attributes as unknown as { nodes: Node[]; input_names: string[] }
  const known = new Map(c.inputs.map((t, i) => [input_names[i], upload(t, { requiresGrad })]))
  for (const { op, attributes, inputs, outputs } of nodes) {
    const operands = inputs.map((name) => known.get(name)!)
    for (const [name, result] of apply(op, operands, attributes, outputs)) known.set(name, result)
  }
  return known
}

function named(c: Case, known: Map<string, Tensor>): Results {
  const { output_names } = c.attributes as unknown as { output_names: string[] }
  return Object.fromEntries(c.outputs.map((t, i) => [t.name, known.get(output_names[i])!]))
}

const graph: Adapter = (c) => named(c, follow(c, false))

const gradient: Adapter = (c) => {
  const { xs, y, gradient_names } = c.attributes as unknown as { xs: string[]; y: string; gradient_names: string[] }
  const known = follow(c, true)
  backward(known.get(y)!)
  xs.forEach((x, i) => {
    known.set(gradient_names[i], known.get(x)!.grad!)
  })
  return named(c, known)
}

export const graphs: Adapters = {
  ...Object.fromEntries(Object.keys(operators).map((op) => [op, single])),
  Graph: graph,
  Gradient: gradient,
}
