// `report DIR`: a finished study's tables, figures and page again. `report --join A B`: one study of several with other
// seeds. `report --compare A B`: two side by side, as text and as one page.
import { dirname, resolve } from 'node:path'
import { InputError } from '../errors.ts'
import { parseJson } from '../io/json.ts'
import { checkWritable, nodeFiles } from '../node/files.ts'
import { judgeClaims } from '../report/claims.ts'
import type { Claim } from '../report/compare.ts'
import { parseResults, type Results } from '../report/index.ts'
import { join } from '../report/join.ts'
import { sideBySide } from '../report/sideBySide.ts'
import { sideHtml } from '../report/sideHtml.ts'
import { sideDocument, sideText } from '../report/sideTables.ts'
import { studyOf } from '../report/titles.ts'
import { type FileOptions, fileHelp, parseFiles, REPORT_FLAGS } from './fileArgs.ts'
import { writeOutput } from './output.ts'
import { UsageError } from './usage.ts'

const HELP = fileHelp(
  `Usage: npx webgpu-distill report DIR [DIR …] [--paper-values FILE]
       npx webgpu-distill report --join DIR DIR … --out DIR [--paper-values FILE]
       npx webgpu-distill report --compare A B [flags]`,
  `Writes tables, figures and the page of finished studies again, from their results.json, and judges the study's claims
again by its rows. With --join makes one study of several parts of it, other seeds or shards, trained on machines that
share no folder. With --compare sets two of them side by side, folders or such files: B minus A throughout.`,
  REPORT_FLAGS,
)

/** The claims of a study by its name. */
type ClaimsOf = (study: string) => Promise<Claim[] | undefined>

export async function reportCommand(argv: readonly string[], claimsOf: ClaimsOf): Promise<number> {
  const options = parseFiles(argv, REPORT_FLAGS)
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (options.compare && options.join) throw new UsageError('--compare and --join: one or the other')
  if (options.compare) return compareTwo(options)
  if (options.json) throw new UsageError("--json: with --compare only; a study's results.json has it all")
  if (options.join) return joinAll(options, claimsOf)
  if (options.out !== undefined) {
    throw new UsageError("--out: with --compare and --join only; a study's files go to its folder")
  }
  for (const name of options.files) await write(dirname(fileOf(name)), await resultsIn(name), options, claimsOf)
  return 0
}

/** All files of a study, its claims judged by its rows. */
async function write(folder: string, results: Results, { paperValues }: FileOptions, claimsOf: ClaimsOf) {
  const { rows, teachers, curves, run } = results
  const study = studyOf(run)
  const claims = await claimsOf(study)
  const judged = claims ? { ...results, claims: judgeClaims(rows, teachers, claims, { study, curves }) } : results
  const paths = await writeOutput(nodeFiles, folder, judged, { paperValues })
  process.stdout.write(paths.map((path) => `wrote ${path}\n`).join(''))
}

async function joinAll(options: FileOptions, claimsOf: ClaimsOf): Promise<number> {
  const { files, out } = options
  if (out === undefined) throw new UsageError('--join: needs --out DIR, the folder for what it makes')
  if (files.length < 2) throw new UsageError(`--join: two studies or more; got ${files.join()}`)
  const same = files.find((name) => resolve(fileOf(name)) === resolve(fileOf(out)))
  if (same !== undefined) throw new UsageError(`--out ${out}: its results would be replaced; another folder`)
  const parts = await Promise.all(files.map(async (name) => ({ name, results: await resultsIn(name) })))
  if (parts.some(({ results }) => results.map)) {
    process.stderr.write('left out: the maps, which are drawn of all networks of one run together\n')
  }
  const whole = join(parts)
  await checkWritable(nodeFiles, out)
  await write(out, whole, options, claimsOf)
  return 0
}

async function compareTwo({ files, json, out = 'compare.html' }: FileOptions): Promise<number> {
  if (files.length !== 2) {
    throw new UsageError(
      `--compare: two studies, folders or results.json files; got ${files.length}: ${files.join(', ')}`,
    )
  }
  const names = [files[0], files[1]] as const
  const results = [await resultsIn(names[0]), await resultsIn(names[1])] as const
  const compared = sideBySide(...results)
  if (json)
    process.stdout.write(
      `${JSON.stringify({ schemaVersion: 1, a: names[0], b: names[1], ...sideDocument(compared) }, null, 1)}\n`,
    )
  else process.stdout.write(sideText(compared, names, results))
  await nodeFiles.writeAtomic(out, sideHtml(compared, names, results))
  const said = json ? process.stderr : process.stdout
  said.write(`${json ? '' : '\n'}wrote ${out}\n`)
  return 0
}

/** The results.json of a study's folder; a file is taken for one. */
export const fileOf = (path: string) => (path.endsWith('.json') ? path : `${path.replace(/\/+$/, '')}/results.json`)

/** Throws InputError for a study without results, and for a document that is none. */
export async function resultsIn(path: string): Promise<Results> {
  const file = fileOf(path)
  if (!(await nodeFiles.exists(file))) {
    throw new InputError(`${file} is not there; a study writes it when it is finished, or with --merge`)
  }
  return parseResults(parseJson(await nodeFiles.readFile(file), file), file)
}
