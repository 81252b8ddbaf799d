import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BarState, barText, clock, Progress } from '../../src/study/progress.ts'

const test = suite('progress')

const state: BarState = {
  cell: 3,
  cells: 14,
  id: 'seed0/14px/cqkd-T4',
  step: 412,
  steps: 620,
  imagesPerSecond: 1233.6,
  loss: 0.41234,
  left: 83,
  studyLeft: 760,
}

/** A stream that remembers what was written. */
const stream = (isTTY: boolean, columns = 120) => {
  const written: string[] = []
  return { isTTY, columns, written, write: (text: string) => written.push(text), text: () => written.join('') }
}

test('seconds as a clock', () => {
  assert.is(clock(0.4), '0:00')
  assert.is(clock(83), '1:23')
  assert.is(clock(4000), '1:06:40')
  assert.is(clock(-3), '0:00')
})

test('the bar tells cell, steps, images a second, loss and both remaining times', () => {
  const text = barText(state, 120)
  assert.match(
    text,
    /^\[3\/14\] seed0\/14px\/cqkd-T4 █{16}░{8} 412\/620 {2}1234 img\/s {2}loss 0\.412 {2}ETA 1:23, study 12:40$/,
  )
})

test('a narrow terminal loses what is least needed and never gets a second line', () => {
  for (let columns = 20; columns < 140; columns++) {
    const text = barText(state, columns)
    assert.ok([...text].length < columns, `${columns}: ${text}`)
  }
  assert.match(
    barText(state, 80),
    /^\[3\/14\] seed0\/14px\/cqkd-T4 █+░+ 1234 img\/s {2}loss 0\.412 {2}ETA 1:23, study 12:40$/,
  )
  assert.match(barText(state, 70), /█+░+ 1234 img\/s {2}loss 0\.412 {2}ETA 1:23$/)
  assert.is(barText(state, 57), '[3/14] seed0/14px/cqkd-T4 412/620  1234 img/s  ETA 1:23')
  assert.is(barText(state, 50), '[3/14] seed0/14px/cqkd-T4 412/620  ETA 1:23')
  assert.is(barText(state, 40), '[3/14] seed0/14px/cqkd-T4 412/620')
  assert.is(barText({ ...state, step: 620 }, 50), '[3/14] seed0/14px/cqkd-T4 620/620  evaluating')
})

test('before the first step and after the last there is no remaining time', () => {
  assert.match(barText({ ...state, step: 0 }, 120), /░ preparing$/)
  assert.match(barText({ ...state, step: 620 }, 120), /620\/620 .* evaluating$/)
  assert.not.match(barText({ ...state, left: null, studyLeft: null }, 120), 'ETA')
})

test('where pipelines are waited for, it says how far they are, at any step', () => {
  const compiling = 'first run 3/36'
  assert.match(barText({ ...state, step: 0, compiling }, 120), /seed0\/14px\/cqkd-T4 ░{24} first run 3\/36$/)
  assert.match(barText({ ...state, step: 620, compiling }, 120), /█{24} first run 3\/36$/)
  assert.is(barText({ ...state, compiling }, 44), '[3/14] seed0/14px/cqkd-T4 first run 3/36')
  for (let columns = 20; columns < 140; columns++)
    assert.ok([...barText({ ...state, compiling }, columns)].length < columns, `${columns}`)
})

test('a terminal shows one line that is overwritten, and lines above it', () => {
  const out = stream(true)
  const progress = new Progress(out, false, {})
  progress.bar(state)
  progress.line('done')
  progress.bar(state)
  progress.clear()
  progress.clear()
  const clear = '\r\x1b[2K'
  assert.is(out.text().split(clear).length - 1, 4)
  assert.match(out.text(), `${clear}done\n${clear}[3/14]`)
  assert.match(out.text(), '\x1b[32m█')
})

test('NO_COLOR takes the colours, a dumb terminal the bar', () => {
  const plain = stream(true)
  new Progress(plain, false, { NO_COLOR: '1' }).bar(state)
  assert.match(plain.text(), '█')
  assert.not.match(plain.text(), '\x1b[32m')
  const dumb = stream(true)
  new Progress(dumb, false, { TERM: 'dumb' }).bar(state)
  assert.is(dumb.text(), '')
})

test('elsewhere there are plain lines only; quiet silences them but not what went wrong', () => {
  const out = stream(false)
  const progress = new Progress(out, false, {})
  progress.bar(state)
  progress.line('done')
  assert.is(out.text(), 'done\n')
  const quiet = stream(true)
  const silent = new Progress(quiet, true, {})
  silent.bar(state)
  silent.line('done')
  silent.always('FAILED')
  assert.is(quiet.text(), 'FAILED\n')
})

test.run()
