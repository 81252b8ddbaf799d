// Waiting for Dawn without burning a core, the same for every contestant. Dawn in Node polls the device in a setImmediate
// loop while one of its promises is pending; on a software adapter that loop takes half a core from the work it waits for.
// Here the thread is put to sleep between two rounds of the loop. The engine does this by itself; so that nobody waits
// differently, its own way is switched off (contestants/ours.js) and this one serves all.

/** The engine's own figures (src/node/calm.ts): milliseconds to sleep after so many of waiting. */
const nap = (waited) => Math.min(1, Math.max(0.1, 0.03 * waited))
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))
let pending = 0
let start = 0
/** Whether a nap is due: one at a time, however many promises begin and end meanwhile. */
let due = false

function rest() {
  due = pending > 0
  if (!due) return
  Atomics.wait(nobodyWakes, 0, 0, nap(performance.now() - start))
  setImmediate(rest)
}

async function calmly(promise) {
  if (pending++ === 0) start = performance.now()
  if (!due) setImmediate(rest)
  due = true
  try {
    return await promise
  } finally {
    pending--
  }
}

/** Makes every promise of Dawn's that ends with the device's work a calm one. `globals`: the classes of WebGPU. */
export function waitCalmly({ GPUQueue, GPUBuffer, GPUDevice }) {
  const calm = (owner, name) => {
    const original = owner.prototype[name]
    owner.prototype[name] = function (...given) {
      return calmly(original.apply(this, given))
    }
  }
  calm(GPUQueue, 'onSubmittedWorkDone')
  calm(GPUBuffer, 'mapAsync')
  calm(GPUDevice, 'popErrorScope')
  calm(GPUDevice, 'createComputePipelineAsync')
}
