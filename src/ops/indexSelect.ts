// Looking up by whole numbers that lie on the device, which therefore are not checked: one beyond the end gives NaN.
import source from '../../shaders/indexSelect.wgsl'
import { record } from '../autograd.ts'
import { InputError } from '../errors.ts'
import { kernels } from '../gpu/kernel.ts'
import { empty, showShape, sizeOf, type Tensor } from '../tensor.ts'
import { axisOf, checkTensor } from './axes.ts'
import { fill, toLayout } from './copy.ts'

const index_ = kernels<'forward' | 'backward' | 'oneHot'>(source)
/** The bits of NaN. */
const NOT_A_NUMBER = 0x7fc00000

/**
 * What stands at `index`, i32 or u32 of any shape, along an axis of x: the axes of the index take the place of that
 * axis, as in NumPy's take. With an index of one axis torch.index_select; with a table of vectors and axis 0 an
 * embedding. Indices below 0 count from the end; one beyond either end gives NaN, of whole numbers 0. Row-major; the
 * gradient costs as many steps as x has elements, times the indices. Throws ShapeError for the axis, InputError for an
 * index of f32.
 */
export function indexSelect(x: Tensor, index: Tensor, axis = 0): Tensor {
  checkWhole('indexSelect', index)
  const along = axisOf('indexSelect', x.shape, axis)
  const rows = toLayout(x, 'row')
  const places = toLayout(index, 'row')
  const [before, after] = [x.shape.slice(0, along), x.shape.slice(along + 1)]
  const view = {
    outer: sizeOf(before),
    size: x.shape[along],
    inner: sizeOf(after),
    count: index.size,
    unsigned: unsigned(index),
  }
  const params = { ...view, outside: x.dtype === 'f32' ? NOT_A_NUMBER : 0 }
  const y = empty(x.gpu, [...before, ...index.shape, ...after], x.dtype, 'row', 'indexSelect')
  index_.forward({ x: rows, index: places, y }, { ...params, add: 0 }, { threads: [y.size] })
  return record('indexSelect', y, [rows], (dy, [dx]) => {
    if (!dx) return
    const { to, add } = dx
    if (y.size > 0) index_.backward({ index: places, dy, dx: to }, { ...params, add }, { threads: [to.size] })
    else if (add === 0) fill(to, 0)
  })
}

/**
 * A new axis of `classes` elements, the last by default, with 1 at the place that the label names and 0 elsewhere:
 * f32, row-major. Labels are i32 or u32 of any shape; one below 0 counts from the end, as in ONNX;
 * one that names no class has zeros alone. Throws InputError for labels of f32 and for a number of classes that is not
 * whole or below 1.
 */
export function oneHot(labels: Tensor, classes: number, axis = -1): Tensor {
  checkWhole('oneHot', labels)
  if (!(Number.isInteger(classes) && classes >= 1)) throw new InputError(`oneHot: ${classes} classes, needs 1 or more`)
  const along = axisOf('oneHot', [...labels.shape, classes], axis)
  const index = toLayout(labels, 'row')
  const [before, after] = [labels.shape.slice(0, along), labels.shape.slice(along)]
  const y = empty(labels.gpu, [...before, classes, ...after], 'f32', 'row', 'oneHot')
  const params = {
    outer: sizeOf(before),
    size: classes,
    inner: sizeOf(after),
    count: 0,
    outside: 0,
    add: 0,
    unsigned: unsigned(labels),
  }
  index_.oneHot({ index, y }, params, { threads: [y.size] })
  return y
}

const unsigned = ({ dtype }: Tensor) => (dtype === 'u32' ? 1 : 0)

function checkWhole(op: string, index: Tensor): void {
  checkTensor(op, index)
  if (index.dtype === 'f32')
    throw new InputError(`${op}: needs whole numbers, i32 or u32, got f32 ${showShape(index.shape)}`)
}
