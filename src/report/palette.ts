// Colours for light and dark. Hue tells the kind of method (hues of Okabe and Ito, safe for colour-blind readers,
// darkened to be seen on white), depth the temperature; shape of marker and dash say the same again. Every line colour
// has a contrast of at least 3 : 1 against its background, every text 4.5 : 1 (tested).

/** [light, dark] */
export type Tone = readonly [string, string]

export const INK: Tone = ['#1b1f24', '#e8eaed']
export const MUTED: Tone = ['#57606a', '#a4adb8']
export const GRID: Tone = ['#dde1e6', '#333a44']
export const PAPER: Tone = ['#ffffff', '#15181d']

const RAMPS: Record<string, Tone[]> = {
  blue: [
    ['#3f93cf', '#3d83b8'],
    ['#2b7fbf', '#559cd0'],
    ['#1767a8', '#74b4e4'],
    ['#0e4d87', '#9bcdf3'],
    ['#08325f', '#c7e5fb'],
  ],
  orange: [
    ['#dd7420', '#c46a2c'],
    ['#c9600f', '#dd8443'],
    ['#a94a05', '#f09e62'],
    ['#843703', '#ffbb8a'],
    ['#5c2600', '#ffd9bd'],
  ],
  purple: [
    ['#bb6aa5', '#b066a0'],
    ['#a5508e', '#c67fb6'],
    ['#8b3774', '#d99acb'],
    ['#6c2358', '#eab8df'],
    ['#4d1240', '#f7d8f0'],
  ],
  green: [['#00795a', '#3fc79a']],
  ink: [INK],
  gold: [['#8a6d00', '#d9b93b']],
  red: [['#b3263c', '#f07c8c']],
  teal: [['#0f7f8c', '#4cc3d0']],
}

/** Names of single tones in ramps: 'blue3'. */
export const TONES: Record<string, Tone> = Object.fromEntries(
  Object.entries(RAMPS).flatMap(([name, tones]) => tones.map((tone, i) => [`${name}${i}`, tone])),
)

/** The name of the tone at `place` among `count` on a ramp; one alone takes the middle. */
export function toneOn(ramp: string, place = 0, count = 1): string {
  const last = RAMPS[ramp].length - 1
  return `${ramp}${count > 1 ? Math.round((place * last) / (count - 1)) : Math.ceil(last / 2)}`
}

/** Rules for figures, shared by every figure of a page. */
export function figureStyle(): string {
  const rules = (side: 0 | 1) =>
    [
      `.wd{color:${INK[side]};background:${PAPER[side]}}`,
      `.wd-muted{fill:${MUTED[side]}}.wd-axis{stroke:${MUTED[side]}}.wd-grid{stroke:${GRID[side]}}`,
      `.wd-paper{fill:${PAPER[side]}}.wd-halo{stroke:${PAPER[side]};stroke-width:1}`,
      ...Object.entries(TONES).map(([name, tone]) => `.wd-${name}{color:${tone[side]}}`),
    ].join('')
  const shape =
    '.wd-grid,.wd-axis{stroke-width:1;shape-rendering:crispEdges}.wd-tie{stroke:currentColor;stroke-width:.9;stroke-dasharray:1 2;opacity:.8}.wd-diagonal{stroke-dasharray:4 3;shape-rendering:auto}'
  return `${shape}.wd{font-family:system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums}${rules(0)}@media (prefers-color-scheme:dark){${rules(1)}}`
}
