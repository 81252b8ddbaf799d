// Flags of a study that is spread over processes and machines.
import { InputError } from '../errors.ts'
import { type Flag, SCHEDULERS } from './flag.ts'

export const SPREAD_FLAGS: Flag<unknown>[] = [
  {
    name: 'cell',
    value: '[I]',
    optional: true,
    about: 'do cell I of --list alone, and what it needs; without I the number that Slurm or Kubernetes gave',
    run: (o, text) => (o.cell = text),
  },
  {
    name: 'shard',
    value: '[[I/]N]',
    optional: true,
    about: 'do every N-th cell, from the I-th; without I, or both, from the scheduler',
    run: (o, text) => (o.shard = text),
  },
  {
    name: 'save-seconds',
    value: 'S',
    about: 'from one checkpoint to the next; default 20',
    run: (o, text) => {
      o.saveSeconds = Number(text)
      if (!(o.saveSeconds >= 0) || text.trim() === '') throw new InputError('a number from 0')
    },
  },
  {
    name: 'processes',
    value: 'N',
    about: 'share the cells and the processors among N processes; default 2 on lavapipe, else 1',
    run: (o, text) => {
      o.processes = Number(text)
      if (!Number.isInteger(o.processes) || o.processes < 1) throw new InputError('a whole number from 1')
    },
  },
  {
    name: 'merge',
    about: 'make the tables from the cells that are there; code 3 where some are missing',
    run: (o) => (o.merge = true),
  },
  {
    name: 'submit',
    value: 'NAME',
    about: 'slurm, k8s: print what submits this study to a cluster, and stop',
    run: (o, text) => {
      o.submit = SCHEDULERS.find((name) => name === text)
      if (!o.submit) throw new InputError(`one of ${SCHEDULERS.join(', ')}`)
    },
  },
  {
    name: 'watch',
    about: 'show how far a study is that other processes run, until it is done',
    run: (o) => (o.watch = true),
  },
]
