// Recipes in files of their own, as --config takes them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { parseArguments, type StudyArguments } from '../../src/study/args.ts'
import type { Paper } from '../../src/study/paper.ts'
import type { CommonRecipe } from '../../src/study/recipe.ts'
import { UsageError } from '../../src/study/usage.ts'

export const folder = mkdtempSync(join(tmpdir(), 'config-'))
process.on('exit', () => rmSync(folder, { recursive: true }))

/** The path of a file that holds this. */
export function file(content: unknown): string {
  const path = join(folder, 'recipe.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

export function parsed<R extends CommonRecipe>(paper: Paper<R>, line: string, content?: unknown): StudyArguments<R> {
  const argv = [...(content === undefined ? [] : ['--config', file(content)]), ...line.split(' ').filter(Boolean)]
  const result = parseArguments(argv, paper)
  if (typeof result === 'string') throw new Error(`asked for ${result}`)
  return result
}

/** The one line with which a file is refused, without its name. */
export function refused<R extends CommonRecipe>(content: unknown, paper: Paper<R>, line = ''): string {
  try {
    parsed(paper, line, content)
  } catch (error) {
    assert.instance(error, UsageError)
    const { message } = error as Error
    assert.not.match(message, '\n')
    assert.ok(message.startsWith(`--config ${folder}/recipe.json: `), message)
    return message.slice(`--config ${folder}/recipe.json: `.length)
  }
  return assert.unreachable(`${JSON.stringify(content)} was taken`) as never
}
