// Waiting for Dawn without burning a core, the same for every contestant. Dawn in Node polls the device in a setImmediate
// loop while one of its promises is pending; on a software adapter that loop takes half a core from the work it waits for.
// The engine puts the thread to sleep between two rounds of it (src/node/calm.ts); here that serves all. What else the
// engine does while it waits is switched off, so that nobody waits differently (contestants/ours.js).

/**
 * Makes every promise of Dawn's that ends with the device's work a calm one. `globals`: the classes of WebGPU, `calm`: the
 * engine's way of waiting for a promise.
 */
export function waitCalmly({ GPUQueue, GPUBuffer, GPUDevice }, calm) {
  const calmed = (owner, name) => {
    const original = owner.prototype[name]
    owner.prototype[name] = function (...given) {
      return calm(original.apply(this, given))
    }
  }
  calmed(GPUQueue, 'onSubmittedWorkDone')
  calmed(GPUBuffer, 'mapAsync')
  calmed(GPUDevice, 'popErrorScope')
  calmed(GPUDevice, 'createComputePipelineAsync')
}
