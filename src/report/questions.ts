// Which question of the papers, their reviews and their readers the results on file answer: one page of Markdown. A
// claim's verdict is taken first from the study that is made for it; studies that test it otherwise stand below.
import { datasetName } from './caption.ts'
import { type ClaimResult, OF_SEVERAL, type Part } from './claim.ts'
import { capital, estimateOf, intervalOf } from './format.ts'
import { seedsOf } from './groups.ts'
import { madeFor } from './madeFor.ts'
import { QUESTIONS, type Question, UNANSWERED } from './questionList.ts'
import { type Contrast, contrastOf, SETTINGS, type SettingQuestion } from './questionSettings.ts'
import type { Results } from './rows.ts'
import type { Verdict } from './stats.ts'
import { commitOf, studyOf, studyTitle } from './titles.ts'

/** A study's results and where they lie, seen from the page; which figures it has. */
export interface Source {
  results: Results
  folder: string
  figures: string[]
}

/** What a source says of a claim. */
interface Told {
  source: Source
  claim: ClaimResult
}

/** docs/questions.md, whole. */
export function questionsPage(sources: Source[]): string {
  // Runs with settings that a question asks for answer that one alone.
  const special = [...SETTINGS, ...QUESTIONS.flatMap(({ only }) => only ?? [])]
  const plain = sources.filter(({ results }) => !special.some(({ has }) => has(results.run)))
  const asked = [
    ...QUESTIONS.map((question) => {
      const { asked, only } = question
      const own = only ? sources.filter(({ results }) => only.has(results.run)) : plain
      return { asked, why: only?.why ?? '', text: only && own.length === 0 ? null : section(question, own) }
    }),
    ...SETTINGS.map((question) => {
      const found = contrastsOf(question, sources, plain)
      return { ...question, text: found.length > 0 ? settingSection(question, found) : null }
    }),
  ]
  const sections = asked.flatMap(({ text }) => text ?? [])
  const open = [
    ...asked.filter(({ text }) => text === null),
    ...UNANSWERED.filter(({ answeredBy }) => !plain.some(({ results }) => answeredBy(results.run))),
  ]
  return `# Questions

What the papers, their reviews and their readers ask, and what these runs of small networks on little data answer. What
the papers claim at their own scale they cannot decide.

${sections.map(entry).join('\n')}

Written by \`npx webgpu-distill questions\` from the results below; do not edit. An answer compares rows seed by seed and
gives the difference with its 95 % interval (Student's t over seeds, which differ in training images, initial weights and
order; the test images are the same). ${OF_SEVERAL}
The intervals are not corrected for their number: of many one may hold or be reversed by chance. One seed gives a
direction and no verdict. Where several studies test a claim, each in its own way, the one that is made for it comes first.
They are no replications of each other: with the same preset and seeds they train on the same images, and cells that they
share are the same networks.

${sections.join('\n\n')}

## Not answered

${open.map(({ asked, why }) => `- **${asked}** ${why}`).join('\n')}

## From

${sources.map(listed).join('\n')}
`
}

/** A line of the page's contents: the question, and the first word of its answer. */
function entry(text: string): string {
  const asked = /^## (.*)$/m.exec(text)![1]
  const anchor = asked
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
  const word = /\*\*(.+?)[.:]?\*\*/.exec(text)?.[1] ?? ''
  return `- [${asked}](#${anchor}) ${word.replace(/^Found(?! reversed)/, 'Answered')}.`
}

function section(question: Question, sources: Source[]): string {
  const { asked, by, told, decided, beside = [], only } = question
  const found = only && sources.map((source) => `${placeOf(source)}, ${only.found(source.results)}`).join('; ')
  const lines = [...decided, ...beside].flatMap((id) => answer(id, sources))
  return [
    `## ${asked}`,
    found ? `**Measured:** ${found}.` : inShort(question, sources),
    `Asked by: ${by}.${told ? ` ${told}` : ''}`,
    ...(lines.length ? [lines.join('\n')] : []),
    ...shown(question, sources),
  ].join('\n\n')
}

/** Each run with the setting beside the one without. */
function contrastsOf(question: SettingQuestion, sources: Source[], plain: Source[]): Contrast<Source>[] {
  return sources
    .filter(({ results }) => question.has(results.run))
    .flatMap((source) => contrastOf(question, source, plain) ?? [])
}

function settingSection(question: SettingQuestion, contrasts: Contrast<Source>[]): string {
  const { asked, by, claim, named } = question
  const told = (source: Source) => claimOf(source, claim)
  const said = contrasts.map(({ to, from, part }) => {
    const verdicts = [to, from].map((source, i) => `${told(source)?.verdict ?? 'not tested'} with ${named[i]}`)
    return `${placeOf(from)}, ${numbers(part)}. ${told(from)?.text ?? claim}: ${verdicts.join(', ')}`
  })
  const both = contrasts.flatMap(({ to, from }) => [to, from])
  const line = (source: Source) => {
    const found = told(source)
    return found ? [`  - ${finding({ source, claim: found }, false)}`] : []
  }
  return [
    `## ${asked}`,
    // What one of the two runs leaves open the contrast does not settle.
    `**Found${contrasts.some(({ to }) => told(to)?.verdict === 'undecided') ? ' in part' : ''}:** ${said.join('. ')}.`,
    `Asked by: ${by}.`,
    [`- ${claim}: ${both.map((source) => told(source)?.text).find(Boolean)}.`, ...both.flatMap(line)].join('\n'),
  ].join('\n\n')
}

const claimOf = ({ results }: Source, id: string) => results.claims.find((claim) => claim.id === id)

/** Of the study that is made for the claim; of the others, unless they say only that they do not test it. */
function tellings(id: string, sources: Source[]): { own: Told[]; others: Told[] } {
  const all = sources.flatMap((source): Told[] => {
    const claim = claimOf(source, id)
    return claim ? [{ source, claim }] : []
  })
  const made = madeFor(id)
  const own = all.filter(({ source }) => made === undefined || studyOf(source.results.run) === made)
  if (own.length === 0) return { own: all, others: [] }
  return { own, others: all.filter((each) => !own.includes(each) && each.claim.verdict !== 'not tested') }
}

const VERDICTS: [Verdict, closed: string, open: string][] = [
  ['holds', 'Yes', 'Found'],
  ['reversed', 'No, found reversed', 'Found reversed'],
  ['undecided', 'Undecided at this scale', 'Undecided at this scale'],
  ['one seed, no verdict', 'Undecided, from one seed', 'Undecided, from one seed'],
  ['not tested', 'Not tested', 'Not tested'],
]

/** What a study found from one seed does not count beside what others found from several. */
function weighed(id: string, { own, others }: ReturnType<typeof tellings>) {
  const single = ({ claim }: Told) => claim.verdict === 'one seed, no verdict'
  const several = (told: Told) => !single(told) && told.claim.verdict !== 'not tested'
  const beside = (all: Told[], some: Told[]) => (all.some(several) ? some.filter((told) => !single(told)) : some)
  return { id, own: beside(own, own), others: beside([...own, ...others], others) }
}

/** The answer in a sentence a verdict, from the claims that decide; where other studies find otherwise, that too. */
function inShort({ asked, decided }: Question, sources: Source[]): string {
  const found = decided.map((id) => weighed(id, tellings(id, sources))).filter(({ own }) => own.length > 0)
  if (found.length === 0) return '**No results on file.**'
  const closed = /^(Does|Do|Is|Are|Can|May|Must)\b/.test(asked)
  const said = VERDICTS.flatMap(([verdict, yes, open]) => {
    const texts = found.flatMap(({ own }) => {
      const here = own.filter(({ claim }) => claim.verdict === verdict)
      if (here.length === 0) return []
      const place = ({ source }: Told) => (here.length < own.length ? placeOf(source) : '')
      const places = here.map((told) => [place(told), share(told.claim)].filter(Boolean).join(': ')).filter(Boolean)
      return [`${here[0].claim.text}${places.length ? ` (${[...new Set(places)].join('; ')})` : ''}`]
    })
    return texts.length ? [{ verdict, word: closed ? yes : open, texts: texts.join('; ') }] : []
  })
  const [first, ...more] = said.map(({ word, texts }, i) => (i === 0 ? `**${word}:** ${texts}.` : `${word}: ${texts}.`))
  const mixed = more.length > 0 ? [said[0].verdict === 'holds' ? '**In part.**' : '**Not shown.**'] : []
  const against = found.flatMap(({ id, own, others }) => {
    const apart = others.filter(({ claim }) => !own.some((each) => each.claim.verdict === claim.verdict))
    return apart.map(
      ({ source, claim }) => `${id} ${claim.verdict} in ${studyOf(source.results.run)}, ${placeOf(source)}`,
    )
  })
  const tail = against.length ? [`Tested otherwise: ${against.join('; ')}.`] : []
  return [...mixed, mixed.length ? first.replaceAll('**', '') : first, ...more, ...tail].join(' ')
}

/** '2 of 3 comparisons hold, 1 is reversed', of those that decide where they do not agree; else empty. */
function share({ verdict, parts }: ClaimResult): string {
  if (verdict === 'not tested') return ''
  const found = parts.filter(({ decides, premise }) => decides && !premise).map(({ verdict }) => verdict)
  const [holds, reversed] = (['holds', 'reversed'] as const).map((one) => found.filter((each) => each === one).length)
  if (new Set(found).size < 2 || holds + reversed === 0) return ''
  const hold = `${holds} of ${found.length} comparisons ${holds === 1 ? 'holds' : 'hold'}`
  return reversed ? `${hold}, ${reversed} ${reversed === 1 ? 'is' : 'are'} reversed` : hold
}

/** 'Fashion-MNIST, quick'. */
function placeOf({ results: { run } }: Source): string {
  const changed = (run.overrides ?? []).filter((flag) => !flag.startsWith('--dataset'))
  return [datasetName(run.dataset), run.preset, ...changed].join(', ')
}

/** A claim, and under it what each study found; how it was tested stands once where all tested it alike. */
function answer(id: string, sources: Source[]): string[] {
  const { own, others } = tellings(id, sources)
  if (own.length === 0) return []
  const ways = [...new Set(own.flatMap(({ claim }) => claim.here ?? []))]
  const alike = ways.length === 1 ? ways : []
  return [
    `- ${id}: ${own[0].claim.text}.${alike.map((here) => ` As tested here: ${here}.`).join('')}`,
    ...own.map((told) => `  - ${finding(told, ways.length > 1)}`),
    ...others.map((told) => {
      const same = told.claim.here !== undefined && ways.includes(told.claim.here)
      const study = studyOf(told.source.results.run)
      return `  - also in ${study}, tested ${same ? 'alike' : 'otherwise'}: ${finding(told, !same)}`
    }),
  ]
}

function finding({ claim, source }: Told, tellHow: boolean): string {
  const how = tellHow && claim.here ? `${claim.here}. ` : ''
  return `${how}**${capital(claim.verdict)}** on [${placeOf(source)}](${source.folder}/table.md): ${evidence(claim)}`
}

function evidence({ verdict, reason, parts }: ClaimResult): string {
  if (verdict === 'not tested') return `${reason}.`
  const deciding = parts.filter(({ decides }) => decides)
  // All that decide are told: to pick one of many rivals would be a choice.
  return `${deciding.map(numbers).join('; ')}.`
}

function numbers(part: Part): string {
  const { statistic, rows, n, direction, verdict } = part
  const interval = verdict === 'one seed, no verdict' ? (direction ?? '') : intervalOf(part)
  return `${statistic}, ${rows}: ${estimateOf(part)} ${interval}, n = ${n}${part.note ? ` (${part.note})` : ''}`
}

/** The question's figures from the first results of their study; one that is not there is said to be missing. */
function shown({ asked, figure: [study, ...names] = [''] }: Question, sources: Source[]): string[] {
  const source = sources.find(({ results }) => studyOf(results.run) === study)
  if (!source) return []
  return names.flatMap((name) => {
    const found = figuresNamed(name, source.figures)
    if (found.length === 0) return [`**Figure missing:** ${source.folder} has no ${name}.`]
    return found.map((id) => `![${asked}](${source.folder}/figures/${encodeURIComponent(id)}.svg)`)
  })
}

/** The figure of that name, or those of that name and a size, the largest size first. */
export function figuresNamed(name: string, figures: string[]): string[] {
  const size = (id: string) => Number(id.slice(name.length + 1))
  const found = figures.filter(
    (id) => id === name || (id.startsWith(`${name}-`) && /^\d+$/.test(id.slice(name.length + 1))),
  )
  return found.sort((a, b) => size(b) - size(a))
}

function listed({ results: { run, rows }, folder }: Source): string {
  const seeds = seedsOf(rows).ok.length
  const from = `${datasetName(run.dataset)}, preset ${run.preset}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`
  return `- ${studyTitle(run.paper)}: [table](${folder}/table.md), ${from}, ${run.adapter}, ${commitOf(run)}, \`${run.command}\``
}
