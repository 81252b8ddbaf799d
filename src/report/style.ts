// The style of the report's page: one column, system fonts, light and dark, wide tables in boxes of their own.
import { figureStyle, GRID, INK, MUTED, PAPER } from './palette.ts'

const theme = (side: 0 | 1) => `
  --ink: ${INK[side]}; --muted: ${MUTED[side]}; --rule: ${GRID[side]}; --paper: ${PAPER[side]};
  --soft: ${['#f5f6f8', '#1e232a'][side]}; --link: ${['#0b5394', '#8cc4f5'][side]};
  --good: ${['#0a6147', '#6fd6b0'][side]}; --bad: ${['#a3291f', '#ff9c8f'][side]}; --warn: ${['#fff4d6', '#3a3015'][side]};`

export function pageStyle(): string {
  return `:root { color-scheme: light dark; ${theme(0)} }
@media (prefers-color-scheme: dark) { :root { ${theme(1)} } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 68rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.55 system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; text-wrap: balance }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--rule) }
h3 { font-size: 1rem; margin: 1.8rem 0 .3rem }
p, ul { max-width: 46rem; margin: .5rem 0; overflow-wrap: break-word }
ul { padding-left: 1.2rem }
a { color: var(--link) }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 1rem 0 }
.note { color: var(--muted); font-size: .9rem }
.lead { font-size: 1.05rem }
.warning { background: var(--warn); padding: .6rem .8rem; border-radius: 4px; max-width: 46rem }
.scroll { overflow-x: auto; margin: .6rem 0; max-width: 100% }
.scroll:focus-visible { outline: 2px solid var(--link) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem }
th, td { padding: .22rem 1.1rem .22rem 0; text-align: right; white-space: nowrap; vertical-align: baseline }
th:last-child, td:last-child { padding-right: 0 }
th.l, td.l { text-align: left }
thead th { border-bottom: 1px solid var(--muted); font-weight: 600 }
tbody th { text-align: left; padding-top: .8rem; font-weight: 600 }
tbody tr.last td { border-bottom: 1px solid var(--rule) }
.pairs, .triples, .diagrams { display: grid; gap: 1.8rem 2rem; margin: 1rem 0 }
.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)) }
.triples { grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)) }
.diagrams { grid-template-columns: repeat(auto-fill, minmax(min(100%, 14rem), 1fr)) }
figure { margin: 0; overflow-x: auto }
svg.wd { display: block; height: auto; max-width: 100% }
.claim { border-left: 3px solid var(--rule); padding: .1rem 0 .1rem .9rem; margin: 1.2rem 0 }
.claim.holds { border-color: var(--good) }
.claim.reversed { border-color: var(--bad) }
.claim p { margin: .15rem 0 }
.verdict { font-weight: 600 }
.holds .verdict { color: var(--good) }
.reversed .verdict { color: var(--bad) }
.number { font-variant-numeric: tabular-nums; white-space: nowrap }
.claim .note { max-width: 46rem }
details { margin: .4rem 0 }
summary { cursor: pointer; color: var(--link) }
pre { background: var(--soft); padding: .7rem .9rem; overflow-x: auto; font-size: .85rem; border-radius: 4px }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .15rem 1rem; font-size: .92rem }
dt { color: var(--muted) }
dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 48rem) {
  td:first-child, thead th:first-child { position: sticky; left: 0; background: var(--paper);
    white-space: normal; min-width: 8.5rem; max-width: 11rem }
  thead th:first-child { box-shadow: inset 0 -1px var(--muted) }
}
@media (max-width: 30rem) { dl { display: block } dd { margin: 0 0 .4rem } }
@media print { .scroll { overflow: visible } body { max-width: none } }
${figureStyle()}`
}
