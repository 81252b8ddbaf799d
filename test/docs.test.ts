// docs/adding-a-method.md shows real code: its lines are in the files, as many as it says. docs/questions.md is what
// the results on file say.
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { questionsPage } from '../src/report/questions.ts'
import { parseResults } from '../src/report/results.ts'

const test = suite('docs')
const page = readFileSync('docs/adding-a-method.md', 'utf8')

interface Shown {
  path: string
  /** With the sign in front. */
  lines: string[]
}

const shown = [...page.matchAll(/```diff\n\+\+\+ (\S+)\n(.*?)\n```/gs)].map(([, path, body]): Shown => {
  return { path, lines: body.split('\n') }
})

test('every line of the walk-through is in the file that it names, in that order', () => {
  assert.ok(shown.length >= 10, `${shown.length} pieces`)
  for (const { path, lines } of shown) {
    const file = readFileSync(path, 'utf8').split('\n')
    let at = 0
    for (const line of lines) {
      assert.match(line, /^[+ ]/, path)
      const found = file.indexOf(line.slice(1), at)
      assert.ok(found >= 0, `${path} has no line '${line.slice(1)}' after line ${at}`)
      at = found + 1
    }
  }
})

test('the table counts them', () => {
  const counts = new Map<string, number>()
  for (const { path, lines } of shown.filter((each) => each.path.startsWith('src/'))) {
    counts.set(path, (counts.get(path) ?? 0) + lines.filter((line) => line.startsWith('+')).length)
  }
  const table = [...page.matchAll(/^\| \[(src\S+)\]\(\.\.\/\1\) \| (\d+) \|/gm)].map(([, path, n]) => [path, Number(n)])
  assert.equal(table, [...counts])
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0)
  assert.match(page, `**${total} lines in\n${counts.size} files**`)
  assert.match(page, `\n${counts.get('src/distill/loss.ts')} of them are its loss`)
})

test('no other line of src/ names the method that is walked through', () => {
  const told = new Set(shown.flatMap(({ lines }) => lines.map((line) => line.slice(1))))
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  assert.ok(files.length > 200, `${files.length} files`)
  for (const file of files) {
    // There the word is another one: weight decay that is decoupled from the gradient.
    if (file === 'optim.ts') continue
    for (const line of readFileSync(`src/${file}`, 'utf8').split('\n')) {
      const comment = /^\s*(\/\/|\*|\/\*)/.test(line)
      if (!comment && /\bdkd\b|\bDKD\b|decoupled/.test(line)) assert.ok(told.has(line), `src/${file}: ${line}`)
    }
  }
})

test('docs/questions.md is made of docs/results', () => {
  const sources = readdirSync('docs/results').map((name) => {
    const folder = `docs/results/${name}`
    const figures = readdirSync(`${folder}/figures`).map((file) => file.replace(/\.svg$/, ''))
    const results = parseResults(JSON.parse(readFileSync(`${folder}/results.json`, 'utf8')), folder)
    return { results, folder: `results/${name}`, figures }
  })
  assert.is(readFileSync('docs/questions.md', 'utf8'), questionsPage(sources))
})

test.run()
