/** Contrast of two colours, '#rrggbb', by the formula of WCAG 2. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [a, b].map((hex) => {
    const [r, g, blue] = [1, 3, 5].map((i) => {
      const c = Number.parseInt(hex.slice(i, i + 2), 16) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue + 0.05
  })
  return Math.max(light / dark, dark / light)
}
