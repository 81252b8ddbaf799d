// How this program was started, and how it is started again: programs of one paper (bench/cqkd.js) take a study's flags
// alone, others its name first.
import { dirname, join, resolve } from 'node:path'

/** Whether a script is of one paper; with `node bench/cqkd` its name has no ending. */
export const isOfPaper = (script: string): boolean => /(^|[\\/])(cqkd|trikd)(\.js)?$/.test(script)

/** The words between `node` and the flags that start a study by the same kind of program. */
export function launcher(study: string, script: string): string[] {
  const path = resolve(script)
  return isOfPaper(path) ? [join(dirname(path), `${study}.js`)] : [path, study]
}
