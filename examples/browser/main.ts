// Trains a ResNet-8 on synthetic pictures and draws what happens. Everything below comes from the package's public names.
import {
  adamW,
  type Dataset,
  type Engine,
  evaluate,
  fit,
  init,
  pictureSource,
  resnet,
  schedules,
  stream,
  synthetic,
} from 'webgpu-distill'
import { chart, HEIGHT, type Point } from './chart.ts'

const element = <T extends Element>(id: string) => document.getElementById(id) as unknown as T
const say = (id: string, text: string) => {
  element<HTMLElement>(id).textContent = text
}
const settings = new URLSearchParams(location.search)
const number = (name: string, otherwise: number) => Number(settings.get(name) ?? otherwise)

const size = 16
const batch = 32
const epochs = number('epochs', 6)
const data = synthetic({ train: number('pictures', 1600), test: number('test', 500), size, seed: 7 })
const view = { height: size, width: size }

async function train(engine: Engine, signal: AbortSignal): Promise<void> {
  const network = resnet(engine.gpu, { depth: 8, channels: 1, classes: data.train.classes.length }, stream(0, 'init'))
  const steps = Math.floor(data.train.n / batch) * epochs
  const schedule = schedules.oneCycle({ maxLr: 0.01, totalSteps: steps, pctStart: 0.2 })
  const points: Point[] = []
  const started = performance.now()
  await fit(engine, {
    graph: { views: { full: view }, nodes: { student: { network, view: 'full', trained: true } }, edges: [] },
    source: pictureSource(engine.gpu, data.train, batch),
    labels: engine.tensor(data.train.labels, [data.train.n], { dtype: 'u32' }),
    rows: Uint32Array.from({ length: data.train.n }, (_, i) => i),
    epochs,
    optimizer: (parameters) => adamW(parameters.flat, { lr: 0.01 }),
    schedule,
    seed: 0,
    signal,
    onProgress: ({ step, epoch, nodes, imagesPerSecond }) => {
      const { total, hit } = nodes.student
      points.push({ step, loss: total, accuracy: hit })
      const left = ((performance.now() - started) / step) * (steps - step)
      say('status', `Epoch ${epoch} of ${epochs}, step ${step} of ${steps}, ${Math.ceil(left / 1000)} s left`)
      say('loss', total.toFixed(3))
      say('accuracy', `${(100 * hit).toFixed(1)} %`)
      say('speed', imagesPerSecond.toFixed(0))
      element<HTMLProgressElement>('progress').value = step / steps
      draw(points, steps)
    },
  })
  const { accuracy, n } = await evaluate(engine, network, data.test, { view, batch: 50 })
  say('test', `${(100 * accuracy).toFixed(1)} %`)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say('status', `Done in ${seconds} s on ${engine.info.adapter}. The test accuracy is on ${n} unseen pictures.`)
}

/** One unit of the drawing is one pixel, so that its letters have their size on a phone too. */
function draw(points: readonly Point[], steps: number): void {
  const svg = element<SVGElement>('chart')
  const width = Math.max(280, svg.clientWidth)
  svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`)
  svg.innerHTML = chart(points, steps, width)
}

/** The first picture of every class, side by side. */
function drawPictures({ images, labels, classes }: Dataset): void {
  const canvas = element<HTMLCanvasElement>('pictures')
  const gap = 2
  canvas.width = classes.length * (size + gap) - gap
  canvas.height = size
  const context = canvas.getContext('2d')!
  classes.forEach((_, label) => {
    const first = labels.indexOf(label) * size * size
    const picture = context.createImageData(size, size)
    for (let i = 0; i < size * size; i++) picture.data.set([...Array(3).fill(images[first + i]), 255], 4 * i)
    context.putImageData(picture, label * (size + gap), 0)
  })
}

async function main(): Promise<void> {
  drawPictures(data.train)
  draw([], epochs * Math.floor(data.train.n / batch))
  const button = element<HTMLButtonElement>('go')
  let stop: AbortController | null = null
  const engine = await init()
  say('status', `Ready, on ${engine.info.adapter}${engine.info.software ? ' (software: slow)' : ''}.`)
  button.onclick = async () => {
    if (stop) return stop.abort()
    stop = new AbortController()
    button.textContent = 'Stop'
    say('test', '–')
    say('status', 'Preparing …')
    engine.onCompiling = ({ phase, done, total }) => {
      say('status', `The kernels, ${phase}: ${done} of ${total}`)
    }
    try {
      await train(engine, stop.signal)
    } catch (error) {
      say('status', error instanceof Error ? error.message : String(error))
    } finally {
      stop = null
      button.textContent = 'Train again'
    }
  }
}

main().catch((error: unknown) => {
  element<HTMLElement>('works').hidden = true
  element<HTMLElement>('missing').hidden = false
  say('why', `${error instanceof Error ? error.message : error}.`)
})
