// From PyTorch's layouts (NCHW, OIHW) to TensorFlow's (NHWC, HWIO) and back.

function permute(data, shape, order) {
  const out = new Float32Array(data.length)
  const to = order.map((axis) => shape[axis])
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((size, each) => size * each, 1))
  const [a, b, c, d] = order.map((axis) => strides[axis])
  let at = 0
  for (let i = 0; i < to[0]; i++)
    for (let j = 0; j < to[1]; j++)
      for (let k = 0; k < to[2]; k++) for (let l = 0; l < to[3]; l++) out[at++] = data[i * a + j * b + k * c + l * d]
  return out
}

export const toNhwc = (data, shape) => permute(data, shape, [0, 2, 3, 1])
export const fromNhwc = (data, shape) => permute(data, shape, [0, 3, 1, 2])
export const toHwio = (data, shape) => permute(data, shape, [2, 3, 1, 0])
export const fromHwio = (data, shape) => permute(data, shape, [3, 2, 0, 1])
