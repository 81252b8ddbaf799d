// bench/rivals is a package of its own, plain JavaScript that needs none of the rivals for its own tests.
import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('rivals')

test('the driver voids what differs or fails, and its table has the right ratios', () => {
  const { status, stdout } = spawnSync(process.execPath, ['--test', 'bench/rivals/test.js'], { encoding: 'utf8' })
  assert.is(status, 0, stdout)
  assert.match(stdout, /^# pass [1-9]/m)
})

test.run()
