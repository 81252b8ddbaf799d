// The package as a user has it: built from the sources into a project of its own, once for all test files.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** A project folder in which `webgpu-distill` is installed. */
export const project = resolve('.test-build', `package-${process.pid}`)
export const installed = join(project, 'node_modules', 'webgpu-distill')

let built: Promise<void> | undefined

export function install(): Promise<void> {
  built ??= (async () => {
    process.on('exit', () => rmSync(project, { recursive: true, force: true }))
    mkdirSync(installed, { recursive: true })
    const { bundle, types } = await import(resolve('build.mjs'))
    await bundle(join(installed, 'dist'))
    types(join(installed, 'dist'))
    cpSync('package.json', join(installed, 'package.json'))
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  })()
  return built
}

/** Runs JavaScript in that project, or in another folder; resolves to what it printed. */
export async function runIn(code: string, cwd = project): Promise<string> {
  const run = promisify(execFile)
  return (await run(process.execPath, ['--input-type=module', '-e', code], { cwd, timeout: 120_000 })).stdout
}
