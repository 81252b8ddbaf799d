// What is said of cells, to people and in the log of events.
import type { Holder } from './locks.ts'
import type { StageOutcome } from './runStage.ts'
import type { Stage } from './stage.ts'

/** Of a cell that another process is at. */
export function waitingText(name: string, { host, pid, since }: Holder): string {
  const who = `process ${pid} of ${host} is at it since ${since.slice(0, 19).replace('T', ' ')}`
  const mute = 'its lock says nothing; it is taken over if it stays so for two minutes'
  return `waiting for ${name}: ${pid ? who : mute}`
}

interface Finished {
  stage: Stage
  status: 'ok' | 'failed' | 'saturated'
  reason: string | null
  outcome: StageOutcome | null
}

/** Of a cell that was trained on so many images, or was not to be had. */
export function finishedText({ stage, status, reason, outcome }: Finished, images: number): string {
  if (outcome) return sentence(outcome, stage, images)
  return status === 'saturated' ? `not trained: ${reason}` : `FAILED: ${reason}`
}

function sentence({ nodes, seconds, imagesPerSecond, curve }: StageOutcome, stage: Stage, images: number): string {
  const { teacher, ...others } = nodes
  const taught = Object.values(others)
  const mean = (of: (node: StageOutcome['nodes'][string]) => number) => {
    const values = (taught.length ? taught : Object.values(nodes)).map(of)
    return values.reduce((sum, x) => sum + x, 0) / values.length
  }
  const percent = (x: number) => `${(100 * x).toFixed(2)} %`
  const tau = Object.values(nodes).find((node) => node.tau !== null)?.tau
  return [
    `${seconds.toFixed(1)} s`,
    `${Math.round(imagesPerSecond)} img/s`,
    `${images} images`,
    ...(stage.patience === undefined ? [] : [`${curve.length} of ${stage.epochs} epochs`]),
    `accuracy ${percent(mean(({ test }) => test.accuracy))}`,
    `ECE ${percent(mean(({ test }) => test.ece))}`,
    ...(tau ? [`τ ${tau.toFixed(3)}`] : []),
    ...(teacher && taught.length ? [`teacher ${percent(teacher.test.accuracy)}`] : []),
  ].join('  ')
}

/** A cell's numbers without bins, for the event log. */
export function brief({ nodes, seconds, imagesPerSecond }: StageOutcome) {
  const numbers = Object.entries(nodes).map(([name, { test, sha256 }]) => {
    const { bins, ...rest } = test
    return [name, { ...rest, sha256 }]
  })
  return { seconds, imagesPerSecond, ...Object.fromEntries(numbers) }
}
