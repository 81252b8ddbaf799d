// Told from what an adapter or a device says of itself; apart from the engine, since adapters are chosen before it.

/** Does the processor compute? Browsers may leave `info` out, and most of its names empty. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  const { vendor, architecture, device, description, isFallbackAdapter } = info ?? {}
  const names = [vendor, architecture, device, description].join(' ')
  return isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|basic.render/i.test(names)
}
